package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
)

// A chunk is a rectangle of a dataset.
type chunk struct {
	row, column int64
	address     int64
	bytes       int64
	skipped     int64 // bits of filters that were not applied to it
}

// chunks returns all chunks by row and column.
func (l *layout) chunks() ([]chunk, error) {
	across := l.across()
	want := across * ((l.rows + l.chunkRows - 1) / l.chunkRows)
	var found []chunk
	if err := l.walk(&found, l.address, -1); err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b chunk) int {
		return cmp.Or(cmp.Compare(a.row, b.row), cmp.Compare(a.column, b.column))
	})
	for i := range want {
		row, column := i/across*l.chunkRows, i%across*l.chunkDims
		if i >= int64(len(found)) || found[i].row != row || found[i].column != column {
			return nil, fmt.Errorf("row %d: the chunk with number %d of it was never written", row, column)
		}
	}
	return found[:want], nil
}

const (
	treeHeadBytes  = 24
	treeEntryBytes = 40
	maxTreeLevel   = 16
)

// walk appends the chunks below a node of the tree, which is of a level, or, if that is -1, of any.
func (l *layout) walk(found *[]chunk, at int64, level int) error {
	head, err := l.read(at, treeHeadBytes)
	if err != nil {
		return err
	}
	p := parser{b: head[6:]}
	if string(head[:5]) != "TREE\x01" || level >= 0 && int(head[5]) != level || head[5] > maxTreeLevel {
		return fmt.Errorf("the tree of chunks is damaged at byte %d", at)
	}
	level = int(head[5])
	entries, err := l.read(at+treeHeadBytes, int64(p.u16())*treeEntryBytes)
	if err != nil {
		return err
	}
	for p := (parser{b: entries}); len(p.b) > 0; {
		c := chunk{bytes: p.u32(), skipped: p.u32(), row: p.u64(), column: p.u64()}
		p.take(8)
		c.address = p.u64()
		if level == 0 {
			*found = append(*found, c)
		} else if err := l.walk(found, c.address, level-1); err != nil {
			return err
		}
		if int64(len(*found)) > l.rows*l.dims {
			return errors.New("the tree of chunks is damaged: it has more than there are numbers")
		}
	}
	return nil
}

// readChunks reads a row of chunks into the room for their rows, on all processors.
func (l *layout) readChunks(numbers []byte, chunks []chunk) error {
	next := make(chan chunk)
	errs := make([]error, min(runtime.GOMAXPROCS(0), len(chunks)))
	var readers sync.WaitGroup
	for i := range errs {
		readers.Go(func() {
			r := &chunkReader{layout: l}
			for c := range next {
				if errs[i] == nil {
					errs[i] = r.copyTo(numbers, c)
				}
			}
		})
	}
	for _, c := range chunks {
		next <- c
	}
	close(next)
	readers.Wait()
	return cmp.Or(errs...)
}

// A chunkReader reads one chunk after another.
type chunkReader struct {
	*layout
	raw, whole, together []byte // as stored; decompressed; no longer shuffled
	inflate              io.ReadCloser
}

// copyTo puts the numbers of the chunk where they belong in rows of all dimensions, the first of which is the chunk's first. What a
// chunk at the edge has beyond the dataset is left out.
func (r *chunkReader) copyTo(numbers []byte, c chunk) error {
	size := int64(r.number.size)
	want := r.chunkRows * r.chunkDims * size
	if c.bytes > 2*want+maxHeaderBytes {
		return fmt.Errorf("the chunk at byte %d has %d bytes for %d: damaged", c.address, c.bytes, want)
	}
	data := grown(&r.raw, c.bytes)
	if _, err := r.file.ReadAt(data, c.address); err != nil {
		return fmt.Errorf("the chunk of %d bytes at byte %d: %w", c.bytes, c.address, unexpected(err))
	}
	var err error
	for i := len(r.filters) - 1; i >= 0 && err == nil; i-- {
		if c.skipped>>i&1 == 0 {
			data, err = r.undo(r.filters[i], data, want)
		}
	}
	if err == nil && int64(len(data)) != want {
		err = fmt.Errorf("%d bytes, not %d", len(data), want)
	}
	if err != nil {
		return fmt.Errorf("the chunk at byte %d: %w", c.address, err)
	}
	width := min(r.chunkDims, r.dims-c.column) * size
	for at := c.column * size; at < int64(len(numbers)); at += r.dims * size {
		copy(numbers[at:at+width], data)
		data = data[r.chunkDims*size:]
	}
	return nil
}

// grown is the buffer with room for n bytes, whatever they are.
func grown(buffer *[]byte, n int64) []byte {
	if int64(cap(*buffer)) < n {
		*buffer = make([]byte, n)
	}
	return (*buffer)[:n]
}
