package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// A keyFile says something about each row of another file, one line a row: its key, or its labels.
type keyFile struct {
	name string
	file *os.File
	in   *bufio.Scanner
	read int64
}

// maxKeyLine lets a key that is too long be refused as such.
const maxKeyLine = 64 << 10

func openKeys(name string) (*keyFile, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	k := &keyFile{name: name, file: file, in: bufio.NewScanner(file)}
	k.in.Buffer(make([]byte, 0, 4096), maxKeyLine)
	return k, nil
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

// of is the line of a row, or io.EOF. Those before it that have not been read are passed over: their rows were.
func (k *keyFile) of(row int64) ([]byte, error) {
	for {
		line, err := k.next()
		if err != nil || k.read > row {
			return line, err
		}
	}
}

func (k *keyFile) close() { k.file.Close() }

// eachLine calls fn with every line of a file of keys and returns how many there are.
func eachLine(name string, fn func(k *keyFile, line []byte) error) (int64, error) {
	k, err := openKeys(name)
	if err != nil {
		return 0, err
	}
	defer k.close()
	for {
		line, err := k.next()
		if err == io.EOF {
			return k.read, nil
		}
		if err == nil {
			err = fn(k, line)
		}
		if err != nil {
			return 0, err
		}
	}
}

// openKeysFor opens a file of keys, or of another noun, for that many rows; -1 when their number will only show at the
// end.
func openKeysFor(name, noun string, rows int64) (*keyFile, error) {
	if rows >= 0 {
		n, err := eachLine(name, func(*keyFile, []byte) error { return nil })
		if err != nil {
			return nil, err
		}
		if n != rows {
			return nil, withHint(fmt.Errorf("%s has %s, the input has %s rows", name, plural(int(n), noun), thousands(rows)),
				fmt.Sprintf("one %s a row, in the order of the rows", noun))
		}
	}
	return openKeys(name)
}

// readKeys reads all keys of a file; without a name there are none.
func readKeys(style keyStyle, name string) (keys [][]byte, err error) {
	if name == "" {
		return nil, nil
	}
	_, err = eachLine(name, func(k *keyFile, line []byte) error {
		key, err := style.parse(bytes.Clone(line))
		if err != nil {
			return fmt.Errorf("%s, line %s: %w", name, thousands(k.read), err)
		}
		keys = append(keys, key)
		return nil
	})
	return keys, err
}
