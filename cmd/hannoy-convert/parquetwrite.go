package main

import (
	"bufio"
	"errors"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

// An item is a row as it is written.
type item struct {
	Key    string    `parquet:"key"`
	Value  *[]byte   `parquet:"value,optional"`
	Labels []string  `parquet:"labels,list"`
	Vector []float32 `parquet:"vector,list"`
}

// A bitsItem is a row of bits.
type bitsItem struct {
	Key    string   `parquet:"key"`
	Value  *[]byte  `parquet:"value,optional"`
	Labels []string `parquet:"labels,list"`
	Bits   []byte   `parquet:"bits"`
}

// rowGroupBytes is about the memory of a row group, which is gathered before it is written.
const rowGroupBytes = 32 << 20

// writeParquet writes the rows of a stream to a file. What is there of it after an error, the caller removes.
func writeParquet(name string, in *bufio.Reader) error {
	r, err := newRowReader(in)
	if err != nil {
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if r.h.Kind == kindBits {
		err = writeItems(file, r, func(x row) bitsItem {
			return bitsItem{Key: string(x.key), Value: x.optionalValue(), Labels: x.labels, Bits: x.raw}
		})
	} else {
		err = writeItems(file, r, func(x row) item {
			return item{Key: string(x.key), Value: x.optionalValue(), Labels: x.labels, Vector: x.vector}
		})
	}
	return errors.Join(err, file.Close())
}

func (r *row) optionalValue() *[]byte {
	if r.value == nil {
		return nil
	}
	return &r.value
}

func writeItems[T any](file io.Writer, r *rowReader, itemOf func(row) T) error {
	perRow := 4*int64(r.h.Dimensions) + 256
	w := parquet.NewGenericWriter[T](file, parquet.MaxRowsPerRowGroup(max(1, rowGroupBytes/perRow)), parquet.Compression(&parquet.Snappy))
	for {
		x, err := r.next()
		if err == io.EOF {
			return w.Close()
		}
		if err != nil {
			return err
		}
		if _, err := w.Write([]T{itemOf(x)}); err != nil {
			return err
		}
	}
}
