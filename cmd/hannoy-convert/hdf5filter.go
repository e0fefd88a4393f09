package main

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// A filter is what was done to a chunk when it was written.
type filter struct {
	id   int
	size int // of the numbers that shuffle takes apart
}

// The filters that are undone, by HDF5's numbers.
const (
	filterDeflate  = 1
	filterShuffle  = 2
	filterFletcher = 3
	filterLZF      = 32000
)

// pipeline takes in which filters the chunks went through.
func (l *layout) pipeline(p *parser) error {
	version, n := p.u8(), p.u8()
	if version == 1 {
		p.take(6)
	}
	for range n {
		f, name := filter{id: p.u16()}, 0
		if version == 1 || f.id >= 256 {
			name = p.u16()
		}
		p.take(2)
		values := p.u16()
		if version == 1 {
			name = (name + 7) / 8 * 8
		}
		p.take(name)
		for i := range values {
			if v := p.u32(); i == 0 {
				f.size = int(v)
			}
		}
		if version == 1 && values%2 == 1 {
			p.take(4)
		}
		switch f.id {
		case filterDeflate, filterFletcher, filterLZF:
		case filterShuffle:
			if f.size == 0 {
				return errors.New("it is shuffled by 0 bytes: damaged")
			}
		default:
			return fmt.Errorf("filter %d of HDF5 is not read (gzip, lzf, shuffle and fletcher32 are): h5repack -f NONE OLD NEW takes it out", f.id)
		}
		l.filters = append(l.filters, f)
	}
	return nil
}

// undo takes back what a filter did, which leaves want bytes and a checksum at most.
func (r *chunkReader) undo(f filter, data []byte, want int64) ([]byte, error) {
	switch f.id {
	case filterDeflate:
		return r.inflated(data, want)
	case filterLZF:
		whole := grown(&r.whole, want)
		n, err := expandLZF(whole, data)
		return whole[:n], err
	case filterShuffle:
		together := grown(&r.together, int64(len(data)))
		n := len(data) / f.size
		for i := range f.size {
			for j, b := range data[i*n : (i+1)*n] {
				together[j*f.size+i] = b
			}
		}
		copy(together[n*f.size:], data[n*f.size:])
		return together, nil
	}
	// What gzip has of its own is the better checksum.
	return data[:max(0, len(data)-fletcherBytes)], nil
}

const fletcherBytes = 4

func (r *chunkReader) inflated(data []byte, want int64) (_ []byte, err error) {
	if r.inflate == nil {
		r.inflate, err = zlib.NewReader(bytes.NewReader(data))
	} else {
		err = r.inflate.(zlib.Resetter).Reset(bytes.NewReader(data), nil)
	}
	if err != nil {
		return nil, err
	}
	whole := grown(&r.whole, want+fletcherBytes+1) // one more than there may be: the end is read, and the checksum with it
	n, err := io.ReadFull(r.inflate, whole)
	if err == nil {
		return nil, fmt.Errorf("more than %d bytes", want)
	}
	if err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, err
	}
	return whole[:n], nil
}

var errLZF = errors.New("the compressed bytes are damaged")

// expandLZF expands data into dst and returns how much there is. A byte below 32 is followed by one more than so many bytes as they
// are; other bytes say how long what has been before is to be repeated, and how far back it lies.
func expandLZF(dst, data []byte) (n int, err error) {
	for p := (parser{b: data}); len(p.b) > 0; {
		control := p.u8()
		if control < 32 {
			if control+1 > len(p.b) || control+1 > len(dst)-n {
				return 0, errLZF
			}
			n += copy(dst[n:], p.take(control+1))
			continue
		}
		length := control >> 5
		if length == 7 {
			length += p.u8()
		}
		length += 2
		from := n - (control&31<<8 | p.u8()) - 1
		if p.short || from < 0 || length > len(dst)-n {
			return 0, errLZF
		}
		for range length { // they may overlap
			dst[n] = dst[from]
			n, from = n+1, from+1
		}
	}
	return n, nil
}
