package operand

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// A KeyFile says something about each row of another file, one line a row: its key, or its labels.
type KeyFile struct {
	Name string
	file *os.File
	in   *bufio.Scanner
	Read int64
}

// maxKeyLine lets a key that is too long be refused as such.
const maxKeyLine = 64 << 10

func openKeys(name string) (*KeyFile, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	k := &KeyFile{Name: name, file: file, in: bufio.NewScanner(file)}
	k.in.Buffer(make([]byte, 0, 4096), maxKeyLine)
	return k, nil
}

// next is the next key, valid until the one after it, or io.EOF.
func (k *KeyFile) next() ([]byte, error) {
	if !k.in.Scan() {
		err := k.in.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			return nil, fmt.Errorf("%s: line %s is longer than %s bytes", k.Name, terminal.Thousands(k.Read+1), terminal.Thousands(maxKeyLine))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.Name, err)
		}
		return nil, io.EOF
	}
	k.Read++
	return bytes.TrimSuffix(k.in.Bytes(), []byte("\r")), nil
}

// Of is the line of a row, or io.EOF. Those before it that have not been read are passed over: their rows were.
func (k *KeyFile) Of(row int64) ([]byte, error) {
	for {
		line, err := k.next()
		if err != nil || k.Read > row {
			return line, err
		}
	}
}

// Close closes the file.
func (k *KeyFile) Close() { k.file.Close() }

// eachLine calls fn with every line of a file of keys and returns how many there are.
func eachLine(name string, fn func(k *KeyFile, line []byte) error) (int64, error) {
	k, err := openKeys(name)
	if err != nil {
		return 0, err
	}
	defer k.Close()
	for {
		line, err := k.next()
		if err == io.EOF {
			return k.Read, nil
		}
		if err == nil {
			err = fn(k, line)
		}
		if err != nil {
			return 0, err
		}
	}
}

// OpenKeysFor opens a file of keys, or of another noun, for that many rows; -1 when their number will only show at the
// end.
func OpenKeysFor(name, noun string, rows int64) (*KeyFile, error) {
	if rows >= 0 {
		n, err := eachLine(name, func(*KeyFile, []byte) error { return nil })
		if err != nil {
			return nil, err
		}
		if n != rows {
			return nil, terminal.WithHint(fmt.Errorf("%s has %s, the input has %s rows", name, terminal.Plural(int(n), noun), terminal.Thousands(rows)),
				fmt.Sprintf("one %s a row, in the order of the rows", noun))
		}
	}
	return openKeys(name)
}

// ReadKeys reads all keys of a file; without a name there are none.
func ReadKeys(style KeyStyle, name string) (keys [][]byte, err error) {
	if name == "" {
		return nil, nil
	}
	_, err = eachLine(name, func(k *KeyFile, line []byte) error {
		key, err := style.Parse(bytes.Clone(line))
		if err != nil {
			return fmt.Errorf("%s, line %s: %w", name, terminal.Thousands(k.Read), err)
		}
		keys = append(keys, key)
		return nil
	})
	return keys, err
}
