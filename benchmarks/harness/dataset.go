package harness

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
)

// Rows are vectors of one kind: numbers, or bytes whose bits are compared.
type Rows struct {
	Count int
	Width int       // numbers or bytes per row
	F32   []float32 // nil for bits
	Bits  []byte    // nil for numbers
}

// Vector is one row. The slice that is not of its kind is nil.
type Vector struct {
	F32  []float32
	Bits []byte
}

// Row returns row i, without copying it.
func (r *Rows) Row(i int) Vector {
	if r.Bits != nil {
		return Vector{Bits: r.Bits[i*r.Width : (i+1)*r.Width : (i+1)*r.Width]}
	}
	return Vector{F32: r.F32[i*r.Width : (i+1)*r.Width : (i+1)*r.Width]}
}

// ReadRows reads the first limit rows, or all for 0, of the file name.fbin or
// name.u8bin in a folder of the big-ann layout: uint32 rows, uint32 width, then the
// rows. Bytes become numbers unless the metric is hamming.
func ReadRows(dir, name, metric string, limit int) (*Rows, error) {
	path := filepath.Join(dir, name+".fbin")
	f, err := os.Open(path)
	bytes := errors.Is(err, fs.ErrNotExist)
	if bytes {
		path = filepath.Join(dir, name+".u8bin")
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := readRows(bufio.NewReaderSize(f, 1<<20), bytes, metric == "hamming", limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}

func readRows(r io.Reader, bytes, bits bool, limit int) (*Rows, error) {
	count, width, err := readShape(r)
	if err != nil {
		return nil, err
	}
	if limit > 0 {
		count = min(count, limit)
	}
	rows := &Rows{Count: count, Width: width}
	switch {
	case bits && !bytes:
		return nil, errors.New("hamming needs rows of bytes")
	case bytes:
		raw := make([]byte, count*width)
		if _, err := io.ReadFull(r, raw); err != nil {
			return nil, err
		}
		if bits {
			rows.Bits = raw
			return rows, nil
		}
		rows.F32 = make([]float32, len(raw))
		for i, b := range raw {
			rows.F32[i] = float32(b)
		}
	default:
		rows.F32 = make([]float32, count*width)
		row := make([]byte, 4*width)
		for i := range count {
			if _, err := io.ReadFull(r, row); err != nil {
				return nil, err
			}
			for j := range width {
				rows.F32[i*width+j] = math.Float32frombits(binary.LittleEndian.Uint32(row[4*j:]))
			}
		}
	}
	return rows, nil
}

// ReadTruth reads gt.ibin of a folder: for each query the numbers of its nearest rows,
// nearest first. It returns them flat, with how many there are per query.
func ReadTruth(dir string) (nearest []int32, perQuery int, err error) {
	path := filepath.Join(dir, "gt.ibin")
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	count, width, err := readShape(r)
	if err == nil {
		nearest = make([]int32, count*width)
		err = binary.Read(r, binary.LittleEndian, nearest)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	return nearest, width, nil
}

func readShape(r io.Reader) (count, width int, err error) {
	var shape [2]uint32
	if err := binary.Read(r, binary.LittleEndian, &shape); err != nil {
		return 0, 0, err
	}
	return int(shape[0]), int(shape[1]), nil
}

// WriteRows writes rows of numbers as an fbin file.
func WriteRows(path string, rows *Rows) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := binary.Write(w, binary.LittleEndian, [2]uint32{uint32(rows.Count), uint32(rows.Width)}); err != nil {
		return err
	}
	row := make([]byte, 0, 4*rows.Width)
	for i := range rows.Count {
		row = row[:0]
		for _, x := range rows.Row(i).F32 {
			row = binary.LittleEndian.AppendUint32(row, math.Float32bits(x))
		}
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	return w.Flush()
}
