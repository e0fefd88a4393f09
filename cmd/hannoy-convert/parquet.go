package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// readParquet writes the rows of a parquet file: the vector, and, where there are such columns, key, value and labels.
func readParquet(name string, o readOptions, out *bufio.Writer) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	f, err := parquet.OpenFile(file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("not a parquet file: %w", err)
	}
	c, err := findColumns(f, o)
	if err != nil {
		return err
	}
	r := &parquetReader{columns: c, rows: f.NumRows(), bits: o.bits, out: out}
	for _, group := range f.RowGroups() {
		if err := r.group(group); err != nil {
			return err
		}
	}
	if r.w == nil { // no rows
		if r.w, err = newRowWriter(out, header{Kind: kindFloats}); err != nil {
			return err
		}
	}
	return r.w.end()
}

// columns are the leaves of the columns that are read; nil where there is none.
type columns struct{ vector, key, value, labels *parquet.Column }

func findColumns(f *parquet.File, o readOptions) (c columns, err error) {
	find := func(role string, usual ...string) *parquet.Column {
		names := o.columnOf(role, usual...)
		for _, column := range f.Root().Columns() {
			for _, name := range names {
				if strings.EqualFold(column.Name(), name) {
					return leafOf(column)
				}
			}
		}
		if err == nil && (role == "vector" || len(names) == 1) && names[0] != "value" {
			err = fmt.Errorf("no column %s: the file has %s; name it with --column %s=NAME", strings.Join(names, " or "), columnNames(f), role)
		}
		return nil
	}
	if o.bits {
		c.vector = find("vector", "bits", "vector")
	} else {
		c.vector = find("vector", "vector", "embedding", "emb")
	}
	c.key, c.value, c.labels = find("key", "key", "id"), find("value", "value"), find("labels", "labels", "label")
	return c, err
}

func columnNames(f *parquet.File) string {
	var names []string
	for _, column := range f.Root().Columns() {
		names = append(names, column.Name())
	}
	return strings.Join(names, ", ")
}

// leafOf goes down to where the values are: a list is a group of a group of one.
func leafOf(c *parquet.Column) *parquet.Column {
	for !c.Leaf() && len(c.Columns()) == 1 {
		c = c.Columns()[0]
	}
	return c
}

// A parquetReader turns row groups into rows.
type parquetReader struct {
	columns columns
	rows    int64
	bits    bool
	out     *bufio.Writer
	w       *rowWriter // nil until the first row has told the dimensions
	dims    int
	number  int64
}

func (r *parquetReader) group(group parquet.RowGroup) error {
	chunks := group.ColumnChunks()
	open := func(c *parquet.Column) *cursor {
		if c == nil {
			return nil
		}
		return &cursor{pages: chunks[c.Index()].Pages(), most: byte(c.MaxDefinitionLevel())}
	}
	vector, key, value, labels := open(r.columns.vector), open(r.columns.key), open(r.columns.value), open(r.columns.labels)
	for _, c := range []*cursor{vector, key, value, labels} {
		if c != nil {
			defer c.pages.Close()
		}
	}
	var out row
	for range group.NumRows() {
		out = row{vector: out.vector[:0], raw: out.raw[:0]}
		for _, part := range []struct {
			c    *cursor
			read func(c *cursor) error
		}{{vector, func(c *cursor) error { return r.vector(c, &out) }}, {key, out.setKey}, {value, out.setValue}, {labels, out.setLabels}} {
			if part.c == nil {
				continue
			}
			if err := part.read(part.c); err != nil {
				return fmt.Errorf("row %d: %w", r.number, err)
			}
		}
		if err := r.write(&out); err != nil {
			return err
		}
		r.number++
	}
	return nil
}

// vector reads the numbers, or the bits, of a row.
func (r *parquetReader) vector(c *cursor, out *row) (err error) {
	if r.bits {
		values, err := c.values()
		if err == nil && len(values) == 1 && isBytes(values[0].Kind()) {
			out.raw = append(out.raw, values[0].ByteArray()...)
		} else if err == nil {
			err = errors.New("bits come as one value of bytes a row")
		}
		return err
	}
	out.vector, err = c.floats(out.vector)
	return err
}

func (r *parquetReader) write(out *row) (err error) {
	got, kind := len(out.vector), kindFloats
	if r.bits {
		got, kind = len(out.raw), kindBits
	}
	if r.w == nil {
		if got == 0 || got > 65536 {
			return fmt.Errorf("row 0: the vector has %d dimensions, which is not within 1 to 65,536", got)
		}
		r.dims = got
		if r.w, err = newRowWriter(r.out, header{Dimensions: got, Rows: r.rows, Kind: kind}); err != nil {
			return err
		}
	}
	if got != r.dims {
		return r.w.bad("the vector has %d dimensions, the first row's has %d", got, r.dims)
	}
	return r.w.write(out)
}

func (r *row) setKey(c *cursor) error {
	values, err := c.values()
	if err != nil || len(values) == 0 || values[0].IsNull() {
		return err
	}
	switch v := values[0]; {
	case isBytes(v.Kind()):
		r.key = append([]byte{}, v.ByteArray()...)
	case v.Kind() == parquet.Int32 || v.Kind() == parquet.Int64:
		r.key, r.numeric = strconv.AppendInt(nil, v.Int64(), 10), true
	default:
		return fmt.Errorf("the key is of type %s, neither text nor an integer", v.Kind())
	}
	return nil
}

func (r *row) setValue(c *cursor) error {
	values, err := c.values()
	if err != nil || len(values) == 0 || values[0].IsNull() {
		return err
	}
	if v := values[0]; isBytes(v.Kind()) {
		r.value = append([]byte{}, v.ByteArray()...)
	} else {
		r.value = []byte(v.String())
	}
	return nil
}

func (r *row) setLabels(c *cursor) error {
	values, err := c.values()
	for _, v := range values {
		if v.IsNull() {
			continue
		}
		text := v.String()
		if c.most > 1 || !strings.HasPrefix(text, "[") {
			r.labels = append(r.labels, text)
			continue
		}
		if err := json.Unmarshal([]byte(text), &r.labels); err != nil {
			return fmt.Errorf("labels: %w", err)
		}
	}
	return err
}

func isBytes(k parquet.Kind) bool { return k == parquet.ByteArray || k == parquet.FixedLenByteArray }

// A cursor walks over the values of a column chunk, row by row.
type cursor struct {
	pages parquet.Pages
	most  byte // definition level of a value that is there

	page        parquet.Page
	repetitions []byte
	definitions []byte
	at          int // in the levels, or in the values where there are none
	value       int // of those that are there
	count       int
	numbers     []float32       // of the page, when it holds plain floats
	decoded     []parquet.Value // of the page, else
	row         []parquet.Value // scratch
}

// load makes the next page that holds something the current one; io.EOF behind the last.
func (c *cursor) load() error {
	for c.page == nil || c.at == c.count {
		page, err := c.pages.ReadPage()
		if err != nil {
			return err
		}
		if c.page != nil {
			parquet.Release(c.page)
		}
		c.page, c.at, c.value = page, 0, 0
		c.count, c.repetitions, c.definitions = int(page.NumValues()), page.RepetitionLevels(), page.DefinitionLevels()
		c.numbers, c.decoded = nil, c.decoded[:0]
		if page.Type().Kind() == parquet.Float && page.Dictionary() == nil {
			data := page.Data()
			c.numbers = data.Float()
			continue
		}
		if err := c.decode(); err != nil {
			return err
		}
	}
	return nil
}

// decode reads all values of the page, nulls too.
func (c *cursor) decode() error {
	if cap(c.decoded) < c.count {
		c.decoded = make([]parquet.Value, 0, c.count)
	}
	values := c.page.Values()
	for len(c.decoded) < c.count {
		n, err := values.ReadValues(c.decoded[len(c.decoded):c.count])
		c.decoded = c.decoded[:len(c.decoded)+n]
		if err != nil && (err != io.EOF || len(c.decoded) < c.count) {
			return err
		}
	}
	return nil
}

// each calls take at every place of the next row.
func (c *cursor) each(take func() error) error {
	for first := true; ; first = false {
		if err := c.load(); err != nil {
			if err == io.EOF && !first {
				return nil
			}
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		begins := len(c.repetitions) == 0 || c.repetitions[c.at] == 0
		if begins && !first {
			return nil
		}
		if err := take(); err != nil {
			return err
		}
		c.at++
	}
}

// floats appends the numbers of the next row.
func (c *cursor) floats(dst []float32) ([]float32, error) {
	err := c.each(func() error {
		if c.numbers != nil {
			dst = c.run(dst)
			return nil
		}
		if len(c.definitions) > 0 && c.definitions[c.at] != c.most {
			return nil
		}
		switch v := c.decoded[c.at]; v.Kind() {
		case parquet.Float:
			dst = append(dst, v.Float())
		case parquet.Double:
			dst = append(dst, float32(v.Double()))
		case parquet.Int32:
			dst = append(dst, float32(v.Int32()))
		case parquet.Int64:
			dst = append(dst, float32(v.Int64()))
		default:
			return fmt.Errorf("the vector is of type %s, not a list of numbers", v.Kind())
		}
		return nil
	})
	return dst, err
}

// run appends the numbers of the row that stand in this page from here on, and goes to the last of them.
func (c *cursor) run(dst []float32) []float32 {
	end := c.at + 1
	for end < c.count && len(c.repetitions) > 0 && c.repetitions[end] != 0 {
		end++
	}
	there := end - c.at
	if len(c.definitions) > 0 {
		there = bytes.Count(c.definitions[c.at:end], []byte{c.most})
	}
	dst = append(dst, c.numbers[c.value:c.value+there]...)
	c.value, c.at = c.value+there, end-1
	return dst
}

// values is the values of the next row, valid until the one after it.
func (c *cursor) values() ([]parquet.Value, error) {
	c.row = c.row[:0]
	err := c.each(func() error {
		if c.numbers != nil {
			return errors.New("floats where text belongs")
		}
		c.row = append(c.row, c.decoded[c.at].Clone())
		return nil
	})
	return c.row, err
}
