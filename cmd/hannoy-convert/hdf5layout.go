package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/scigolib/hdf5"
)

// A layout says where the numbers of a dataset of two dimensions lie in a file.
//
// The library knows that too, but reads numbers one by one, chunks of few columns many times over, and chunks with a filter that
// it cannot undo as if they had none.
type layout struct {
	file       io.ReaderAt
	rows, dims int64
	number     numberType

	address int64 // of the numbers, one after the other; or, with chunks, of the root of the tree that knows them

	chunkRows, chunkDims int64 // 0: not in chunks
	filters              []filter
}

// The messages of an object header that matter here.
const (
	messageDataspace    = 0x1
	messageDatatype     = 0x3
	messageLayout       = 0x8
	messageFilters      = 0xb
	messageContinuation = 0x10
)

const (
	layoutContiguous = 1
	layoutChunked    = 2
)

const (
	maxHeaderBlocks = 64
	maxHeaderBytes  = 1 << 20
	maxDimensions   = 65536
)

// layoutOf reads the object header of the dataset.
func layoutOf(f *hdf5.File, set *hdf5.Dataset) (*layout, error) {
	if sb := f.Superblock(); sb.OffsetSize != 8 || sb.LengthSize != 8 || sb.BaseAddress != 0 {
		return nil, fmt.Errorf("addresses of %d and %d bytes from %d on are not read", sb.OffsetSize, sb.LengthSize, sb.BaseAddress)
	}
	l := &layout{file: f.Reader()}
	address := int64(set.Address() & math.MaxInt64)
	head, err := l.read(address, 16)
	if err != nil {
		return nil, err
	}
	switch p := (parser{b: head}); {
	case string(head[:5]) == "OHDR\x02":
		err = l.newHeader(address)
	case head[0] == 1:
		p.take(8)
		err = l.header([]piece{{address + 16, p.u32()}}, 8, 0)
	default:
		err = fmt.Errorf("the header at byte %d is damaged", address)
	}
	if err != nil {
		return nil, err
	}
	return l, l.check()
}

// A piece of a file.
type piece struct{ address, bytes int64 }

// newHeader reads an object header as it is since HDF5 1.8.
func (l *layout) newHeader(address int64) error {
	head, err := l.read(address, 34)
	if err != nil {
		return err
	}
	p := parser{b: head[5:]}
	flags := p.u8()
	if flags&0x20 != 0 {
		p.take(16) // times
	}
	if flags&0x10 != 0 {
		p.take(4)
	}
	size := []func() int64{func() int64 { return int64(p.u8()) }, func() int64 { return int64(p.u16()) }, p.u32, p.u64}[flags&3]()
	order := 0 // bytes
	if flags&4 != 0 {
		order = 2
	}
	return l.header([]piece{{address + int64(len(head)-len(p.b)), size}}, 4, order)
}

// header takes in all messages. Each has a head of 8 bytes, or since HDF5 1.8 of 4 and perhaps a number of its order.
func (l *layout) header(blocks []piece, headBytes, order int) error {
	for i := 0; i < len(blocks); i++ {
		block, err := l.read(blocks[i].address, blocks[i].bytes)
		if err != nil {
			return err
		}
		if headBytes == 4 && i > 0 { // a continuation has a signature and a checksum
			block = block[min(4, len(block)):max(4, len(block)-4)]
		}
		for p := (parser{b: block}); len(p.b) >= headBytes+order; {
			kind, size := 0, 0
			if headBytes == 8 {
				kind, size = p.u16(), p.u16()
				p.take(4)
			} else {
				kind, size = p.u8(), p.u16()
				p.take(1 + order)
			}
			body := parser{b: p.take(size)}
			if kind == messageContinuation {
				blocks = append(blocks, piece{body.u64(), body.u64()})
			} else if err := l.message(kind, &body); err != nil {
				return err
			}
			if p.short || body.short || len(blocks) > maxHeaderBlocks {
				return fmt.Errorf("the header at byte %d is damaged", blocks[0].address)
			}
		}
	}
	return nil
}

// read reads a piece of the file that holds no numbers.
func (l *layout) read(at, n int64) ([]byte, error) {
	if at < 0 || n < 0 || n > maxHeaderBytes {
		return nil, fmt.Errorf("%d bytes at byte %d cannot be a header: damaged", n, at)
	}
	b := make([]byte, n)
	if _, err := l.file.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("%d bytes at byte %d: %w", n, at, unexpected(err))
	}
	return b, nil
}

// message takes a message in.
func (l *layout) message(kind int, p *parser) error {
	switch kind {
	case messageDataspace:
		version, rank := p.u8(), p.u8()
		p.take(map[int]int{1: 6, 2: 2}[version])
		if rank != 2 {
			return fmt.Errorf("it is not of two dimensions, but of %d", rank)
		}
		l.rows, l.dims = p.u64(), p.u64()
	case messageDatatype:
		class, bits := p.u8()&15, p.take(3)
		l.number = numberType{size: int(p.u32()), big: bits[0]&1 != 0, float: class == 1, signed: bits[0]&8 != 0}
		if class > 1 || !l.number.known() {
			return fmt.Errorf("its numbers (class %d of HDF5, %d bytes) are not read: floats of 4 or 8 bytes and integers are", class, l.number.size)
		}
	case messageLayout:
		version, class := p.u8(), p.u8()
		switch {
		case class == layoutContiguous && (version == 3 || version == 4):
			l.address = p.u64()
		case class == layoutChunked && version == 3:
			p.take(1)
			l.address, l.chunkRows, l.chunkDims = p.u64(), p.u32(), p.u32()
		default:
			return fmt.Errorf("its layout (class %d, version %d) is not read: h5repack -l CONTI OLD NEW writes one that is", class, version)
		}
	case messageFilters:
		return l.pipeline(p)
	}
	return nil
}

// check holds what the messages say against what is possible.
func (l *layout) check() error {
	switch size := int64(l.number.size); {
	case l.rows < 0 || l.dims < 0 || size == 0:
		return fmt.Errorf("it says %d x %d numbers of %d bytes: damaged", l.rows, l.dims, size)
	case l.dims == 0 || l.dims > maxDimensions:
		return fmt.Errorf("its rows have %d numbers, 1 to 65,536 are read", l.dims)
	case l.rows > 0 && l.address < 0:
		return errors.New("it was never written")
	case l.rows > math.MaxInt64/size/l.dims:
		return fmt.Errorf("it says %d rows: damaged", l.rows)
	case l.chunkRows == 0 && l.chunkDims == 0:
		return nil
	case l.chunkRows == 0 || l.chunkDims == 0 || l.dims+l.chunkDims > maxBlockBytes/size/l.chunkRows:
		return fmt.Errorf("its chunks are %d x %d: at most %d MiB of rows in a chunk are read (h5repack -l CONTI OLD NEW writes it without)", l.chunkRows, l.chunkDims, maxBlockBytes>>20)
	}
	return nil
}

// across is how many chunks lie beside each other.
func (l *layout) across() int64 { return (l.dims + l.chunkDims - 1) / l.chunkDims }

// parser reads what it is asked for, and zeros once too little is left.
type parser struct {
	b     []byte
	short bool
}

func (p *parser) take(n int) []byte {
	if n > len(p.b) {
		p.b, p.short = nil, true
		return make([]byte, n)
	}
	taken := p.b[:n]
	p.b = p.b[n:]
	return taken
}

func (p *parser) u8() int    { return int(p.take(1)[0]) }
func (p *parser) u16() int   { return int(binary.LittleEndian.Uint16(p.take(2))) }
func (p *parser) u32() int64 { return int64(binary.LittleEndian.Uint32(p.take(4))) }

// u64 is negative for what is no place in a file.
func (p *parser) u64() int64 { return int64(binary.LittleEndian.Uint64(p.take(8))) }
