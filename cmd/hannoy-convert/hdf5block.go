package main

import "fmt"

// blockBytes of a dataset are read at a time, or the rows of a row of chunks, up to maxBlockBytes.
const (
	blockBytes    = 4 << 20
	maxBlockBytes = 64 << 20
)

// A block is rows that are read together, numbers as they lie in the file.
type block struct {
	numbers []byte
	err     error
}

// blocks calls write with all rows of the dataset, some at a time: while it writes them, the next are read.
func (l *layout) blocks(write func(first int64, numbers []byte) error) error {
	step, across := max(1, int64(blockBytes/l.number.size)/l.dims), int64(0)
	var chunks []chunk
	if l.chunkRows > 0 {
		var err error
		if chunks, err = l.chunks(); err != nil {
			return err
		}
		step, across = l.chunkRows, l.across()
	}
	empty, full, stop := make(chan []byte, 2), make(chan block), make(chan struct{})
	defer close(stop)
	empty <- nil
	empty <- nil
	go func() {
		defer close(full)
		for at := int64(0); at < l.rows; at += step {
			var numbers []byte
			select {
			case numbers = <-empty:
			case <-stop:
				return
			}
			b := l.block(numbers, at, min(step, l.rows-at), chunks[at/step*across:][:across])
			select {
			case full <- b:
			case <-stop:
				return
			}
		}
	}()
	at := int64(0)
	for b := range full {
		err := b.err
		if err == nil {
			err = write(at, b.numbers)
		}
		if err != nil {
			return err
		}
		at += step
		empty <- b.numbers
	}
	return nil
}

// block reads n rows, which are those of the chunks if there are any.
func (l *layout) block(buffer []byte, first, n int64, chunks []chunk) block {
	rowBytes := l.dims * int64(l.number.size)
	b := block{numbers: grown(&buffer, n*rowBytes)}
	if l.chunkRows > 0 {
		b.err = l.readChunks(b.numbers, chunks)
	} else {
		_, b.err = l.file.ReadAt(b.numbers, l.address+first*rowBytes)
	}
	if b.err != nil {
		b.err = fmt.Errorf("row %d: %w", first, unexpected(b.err))
	}
	return b
}
