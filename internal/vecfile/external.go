package vecfile

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hannoydb/hannoy/internal/vecfile/converter"
)

// external reports whether the format is the converter's.
func (f Format) external() bool { return f == Parquet || f == HDF5 }

// splitPart parts the name of an HDF5 file from the dataset that follows it: "sift.hdf5#test".
func splitPart(name string) (file, part string) {
	if i := strings.LastIndexByte(name, '#'); i > 0 {
		switch strings.ToLower(filepath.Ext(name[:i])) {
		case ".hdf5", ".h5":
			return name[:i], name[i+1:]
		}
	}
	return name, ""
}

// startConverter runs the converter on a file that the caller named.
func startConverter(name string, format Format, args ...string) (*converter.Process, error) {
	program, err := converter.Find()
	if err != nil {
		return nil, &Error{File: name, Row: -1, Offset: -1, Err: err,
			Problem: fmt.Sprintf("%s needs the program %s, which is neither beside this one nor on the PATH", format, converter.Name),
			Hint:    "go install github.com/hannoydb/hannoy/cmd/" + converter.Name + "@latest"}
	}
	p, err := converter.Start(program, func(text string) error { return fileError(name, text, "") }, args...)
	if err != nil {
		return nil, &Error{File: name, Row: -1, Offset: -1, Problem: err.Error(), Err: err}
	}
	return p, nil
}

// openExternal reads a file through the converter.
func openExternal(name string, opts *Options) (*Reader, error) {
	path, part := splitPart(name)
	if path == Stdin {
		return nil, fileError(name, string(opts.Format)+" cannot be read from standard input: its index stands at the end", "save it to a file first")
	}
	file, _, err := openFile(path) // for the message if it is not there
	if err != nil {
		return nil, err
	}
	file.Close()
	if part == "" {
		part = opts.Part
	}
	args := []string{"read"}
	if part != "" {
		args = append(args, "-part", part)
	}
	if len(opts.Columns) > 0 {
		args = append(args, "-columns", strings.Join(opts.Columns, ","))
	}
	if opts.Bits {
		args = append(args, "-bits")
	}
	p, err := startConverter(name, opts.Format, append(args, path)...)
	if err != nil {
		return nil, err
	}
	inner := *opts
	inner.Format = Rows
	r, err := NewReader(p, name, -1, &inner)
	if err != nil {
		p.Kill()
		return nil, cmp.Or(p.Failure(), err)
	}
	r.format, r.closers = opts.Format, append(r.closers, p.Kill)
	return r, nil
}
