package vecfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Expand turns patterns (*, ?, [a-z]) into the names of the files that match, sorted. A name that is a file, or has no pattern in it, stands
// for itself.
func Expand(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		if !strings.ContainsAny(name, "*?[") {
			files = append(files, name)
			continue
		}
		matches, err := filepath.Glob(name)
		if err != nil {
			return nil, fileError(name, "not a pattern of file names", "*, ? and [a-z] stand for parts of a name")
		}
		if _, err := os.Lstat(name); len(matches) == 0 && err == nil {
			matches = []string{name}
		}
		if len(matches) == 0 {
			return nil, &Error{File: name, Row: -1, Offset: -1, Err: fs.ErrNotExist,
				Problem: "no file has such a name", Hint: "*, ? and [a-z] stand for parts of a name"}
		}
		slices.Sort(matches)
		files = append(files, matches...)
	}
	return files, nil
}

// OpenAll opens several files as one stream of rows, one after the other. The number of a row counts on from file to
// file. All must have the same dimensions.
func OpenAll(names []string, opts *Options) (*Reader, error) {
	if len(names) == 1 {
		return Open(names[0], opts)
	}
	c := &chain{names: names, opts: *opts}
	r := &Reader{file: fmt.Sprintf("%s and %d more", names[0], len(names)-1), chained: c, decoder: c}
	c.r = r
	// A look at each header before the first row is read: what cannot be read is best told at once. Files are not kept open.
	for i, name := range names {
		if name == Stdin {
			return nil, fileError(name, "standard input cannot be one of several files", "")
		}
		one, err := c.openOne(i, true)
		if err != nil {
			return nil, err
		}
		if one.Rows() < 0 {
			r.rows = -1
		} else if r.rows >= 0 {
			r.rows += one.Rows()
		}
		if r.dims == 0 {
			r.dims, r.format = one.Dimensions(), one.Format()
		}
		r.size += max(0, one.size)
		one.Close()
	}
	var err error
	if c.now, err = c.openOne(0, false); err != nil {
		return nil, err
	}
	r.closers = append(r.closers, func() { c.now.Close() })
	return r, nil
}

// A chain decodes one file after another.
type chain struct {
	r     *Reader
	names []string
	opts  Options
	now   *Reader
	at    int   // of now in names
	done  int64 // bytes of the files before it
	rows  int64 // in them
}

// openOne opens a file of the chain, or only looks at it: then nobody is told of bad rows.
func (c *chain) openOne(i int, look bool) (*Reader, error) {
	opts := c.opts
	if look && opts.Skip != nil {
		opts.Skip = func(*Error) {}
	}
	r, err := Open(c.names[i], &opts)
	if err != nil {
		return nil, err
	}
	if got := r.Dimensions(); got != 0 && c.r.dims != 0 && got != c.r.dims {
		r.Close()
		return nil, fileError(c.names[i], fmt.Sprintf("rows of %s dimensions, those of %s have %s", commas(int64(got)), c.names[0], commas(int64(c.r.dims))),
			"files that are read as one must have the same dimensions")
	}
	return r, nil
}

func (c *chain) next(row *Row) error {
	for {
		one, err := c.now.Next()
		if err == nil {
			*row = *one
			row.Number, row.before = c.rows+one.Number, c.rows
			c.r.number = row.Number
			return nil
		}
		if err != io.EOF || c.at == len(c.names)-1 {
			return err
		}
		c.done += max(0, c.now.size)
		c.rows += c.now.number
		c.now.Close()
		c.at++
		if c.now, err = c.openOne(c.at, false); err != nil {
			return err
		}
	}
}

// bytes is how many bytes have been read, compressed ones counting.
func (c *chain) bytes() int64 { return c.done + c.now.raw.N }
