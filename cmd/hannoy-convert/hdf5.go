package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/scigolib/hdf5"
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
	l, err := layoutOf(f, set)
	if err != nil {
		return fmt.Errorf("dataset %s: %w", o.part, err)
	}
	h := header{Dimensions: int(l.dims), Rows: l.rows, Kind: kindFloats, Metric: metricOf(f)}
	if o.part == "neighbors" {
		h.Kind = kindIDs
	} else if o.bits {
		h.Kind = kindBits
	}
	w, err := newRowWriter(out, h)
	if err != nil {
		return err
	}
	rowBytes := int(l.dims) * l.number.size
	err = l.blocks(func(first int64, numbers []byte) error {
		for ; len(numbers) > 0; numbers = numbers[rowBytes:] {
			row, err := l.number.appendRow(append(w.buf[:0], 0), numbers[:rowBytes], h.Kind)
			if err != nil {
				return fmt.Errorf("row %d: %w", first, err)
			}
			if err := w.put(row); err != nil {
				return err
			}
			first++
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.end()
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
