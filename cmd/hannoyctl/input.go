package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy/internal/vecfile"
)

// An input is a file of vectors that a flag names.
type input struct {
	file   string
	format string
}

func (in *input) addTo(cmd *cobra.Command, flag, text string) {
	cmd.Flags().StringVarP(&in.file, flag, "i", "", text+`; "-" is standard input`)
	cmd.Flags().StringVar(&in.format, "format", "", "format of the input (default: by extension)")
}

// openRows opens the input; formatless is the format of names that do not tell theirs.
func (in *input) openRows(cmd *cobra.Command, opts vecfile.Options, formatless vecfile.Format) (*vecfile.Reader, error) {
	if in.format != "" {
		format, err := vecfile.ParseFormat(in.format)
		if err != nil {
			return nil, withHint(usagef("--format: %v", err), hintFor(err))
		}
		opts.Format = format
	} else if _, err := vecfile.FormatOf(in.file); err != nil {
		opts.Format = formatless
	}
	opts.Stdin = interruptible{cmd.Context(), cmd.InOrStdin()}
	return vecfile.Open(in.file, &opts)
}

// interruptible is a stream whose reads end when the context does: nobody wants to press Ctrl-D after Ctrl-C.
type interruptible struct {
	ctx context.Context
	src io.Reader
}

func (s interruptible) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own := make([]byte, len(p)) // the read may outlive this call
	done := make(chan result, 1)
	go func() {
		n, err := s.src.Read(own)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(p, own[:r.n]), r.err
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
}

// A keyFile names the rows of another file, one key a line.
type keyFile struct {
	name string
	file *os.File
	in   *bufio.Scanner
	read int64
}

// maxKeyLine lets a key that is too long be refused as such.
const maxKeyLine = 64 << 10

// openKeys opens a file of keys. rows is how many it must hold, -1 when that will only show at the end.
func openKeys(name string, rows int64) (*keyFile, error) {
	if rows >= 0 {
		n, err := countLines(name)
		if err != nil {
			return nil, err
		}
		if n != rows {
			return nil, withHint(fmt.Errorf("%s has %s keys, the input has %s rows", name, thousands(n), thousands(rows)),
				"one key a line, in the order of the rows")
		}
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	k := &keyFile{name: name, file: file, in: bufio.NewScanner(file)}
	k.in.Buffer(make([]byte, 0, 4096), maxKeyLine)
	return k, nil
}

func countLines(name string) (int64, error) {
	k, err := openKeys(name, -1)
	if err != nil {
		return 0, err
	}
	defer k.close()
	for {
		if _, err := k.next(); err == io.EOF {
			return k.read, nil
		} else if err != nil {
			return 0, err
		}
	}
}

// next is the next key, valid until the one after it, or io.EOF.
func (k *keyFile) next() ([]byte, error) {
	if !k.in.Scan() {
		err := k.in.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			return nil, fmt.Errorf("%s: line %s is longer than %s bytes", k.name, thousands(k.read+1), thousands(maxKeyLine))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		return nil, io.EOF
	}
	k.read++
	return bytes.TrimSuffix(k.in.Bytes(), []byte("\r")), nil
}

func (k *keyFile) close() { k.file.Close() }
