package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/scigolib/hdf5"
)

// blockBytes of a dataset are read at a time, or as many as one row of chunks has, up to maxBlockBytes.
const (
	blockBytes    = 4 << 20
	maxBlockBytes = 32 << 20
)

// readHDF5 writes the rows of a dataset of two dimensions. ann-benchmarks' files have train, test, neighbors and distances, and
// name their metric in the attribute "distance".
func readHDF5(name string, o readOptions, out *bufio.Writer) error {
	f, err := hdf5.Open(name)
	if err != nil {
		return fmt.Errorf("not an HDF5 file: %w", err)
	}
	defer f.Close()
	var names []string
	var set *hdf5.Dataset
	for _, child := range f.Root().Children() {
		if d, ok := child.(*hdf5.Dataset); ok {
			names = append(names, d.Name())
			if d.Name() == o.part {
				set = d
			}
		}
	}
	if set == nil {
		return fmt.Errorf("no dataset %q: the file has %s; name one after the file's name and #", o.part, strings.Join(names, ", "))
	}
	rows, dims, err := shape(set)
	if err != nil {
		return err
	}
	h := header{Dimensions: int(dims), Rows: int64(rows), Kind: "f32", Metric: metricOf(f)}
	ids := o.part == "neighbors"
	if ids {
		h.Kind = "ids"
	} else if o.bits {
		h.Kind = "bits"
	}
	w, err := newRowWriter(out, h)
	if err != nil {
		return err
	}
	step := rowsAtATime(set, dims)
	for at := uint64(0); at < rows; at += step {
		n := min(step, rows-at)
		block, err := set.ReadSlice([]uint64{at, 0}, []uint64{n, dims})
		if err != nil {
			return fmt.Errorf("row %d: %w", at, err)
		}
		if err := writeBlock(w, block, int(dims), h.Kind, at); err != nil {
			return err
		}
	}
	return w.end()
}

// rowsAtATime is how many rows are read together: of a dataset in chunks whole ones, as far as memory allows, for a chunk is read and
// decompressed anew by every block that it has rows in.
func rowsAtATime(set *hdf5.Dataset, dims uint64) uint64 {
	step := max(1, blockBytes/(8*dims))
	it, err := set.ChunkIterator()
	if err != nil {
		return step // it is not in chunks
	}
	chunk := it.ChunkDims()[0]
	switch {
	case chunk == 0: // damaged
		return step
	case chunk <= step:
		return step / chunk * chunk
	case chunk*dims*8 <= maxBlockBytes:
		return chunk
	}
	return step
}

var dimensionsText = regexp.MustCompile(`2D array \[(\d+) x (\d+)\]`)

// shape is the number of rows and of columns. The library tells it in the text of Info alone.
func shape(d *hdf5.Dataset) (rows, dims uint64, err error) {
	info, err := d.Info()
	if err != nil {
		return 0, 0, err
	}
	m := dimensionsText.FindStringSubmatch(info)
	if m == nil {
		return 0, 0, fmt.Errorf("dataset %s is not of two dimensions (%s)", d.Name(), strings.Join(strings.Fields(info), " "))
	}
	rows, _ = strconv.ParseUint(m[1], 10, 64)
	dims, _ = strconv.ParseUint(m[2], 10, 64)
	if dims == 0 || dims > 65536 {
		return 0, 0, fmt.Errorf("dataset %s has rows of %d numbers, 1 to 65,536 are read", d.Name(), dims)
	}
	return rows, dims, nil
}

// metricOf is ann-benchmarks' name of the metric in our words, "" when there is none.
func metricOf(f *hdf5.File) string {
	attributes, err := f.Root().Attributes()
	if err != nil {
		return ""
	}
	for _, a := range attributes {
		if a.Name != "distance" {
			continue
		}
		v, err := a.ReadValue()
		if err != nil {
			return ""
		}
		text := strings.TrimRight(fmt.Sprint(v), "\x00")
		if metric, ok := map[string]string{"euclidean": "euclidean", "angular": "cosine", "hamming": "hamming", "ip": "inner-product", "dot": "inner-product"}[text]; ok {
			return metric
		}
	}
	return ""
}

// writeBlock writes the rows of a block, which the library gives as a slice of its own choice.
func writeBlock(w *rowWriter, block any, dims int, kind string, first uint64) error {
	number, n, err := numbers(block)
	if err != nil {
		return err
	}
	var r row
	for at := 0; at < n; at += dims {
		r.vector, r.raw = r.vector[:0], r.raw[:0]
		for i := range dims {
			v := number(at + i)
			switch kind {
			case "ids":
				if v < 0 || v > math.MaxUint32 || v != math.Trunc(v) {
					return fmt.Errorf("row %d: number %d is %v, not an id", first+uint64(at/dims), i, v)
				}
				r.raw = binary.LittleEndian.AppendUint32(r.raw, uint32(v))
			case "bits":
				if v < 0 || v > 255 || v != math.Trunc(v) {
					return fmt.Errorf("row %d: number %d is %v, not a byte of packed bits", first+uint64(at/dims), i, v)
				}
				r.raw = append(r.raw, byte(v))
			default:
				r.vector = append(r.vector, float32(v))
			}
		}
		if err := w.write(&r); err != nil {
			return err
		}
	}
	return nil
}

func numbers(block any) (number func(i int) float64, n int, err error) {
	switch b := block.(type) {
	case []float64:
		return func(i int) float64 { return b[i] }, len(b), nil
	case []float32:
		return func(i int) float64 { return float64(b[i]) }, len(b), nil
	case []int32:
		return func(i int) float64 { return float64(b[i]) }, len(b), nil
	case []int64:
		return func(i int) float64 { return float64(b[i]) }, len(b), nil
	case []uint8:
		return func(i int) float64 { return float64(b[i]) }, len(b), nil
	}
	return nil, 0, fmt.Errorf("numbers of type %T are not read", block)
}
