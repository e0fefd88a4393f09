package pages

import "io"

// Value is the value of a record, in the leaf page or in a run of pages of its own.
// It is valid until the function that got it returns.
type Value struct {
	file   *File
	inline []byte // nil: it is read from the file
	offset int64  // in the file
	size   int64
}

// value returns the value of a node of leaf page n.
func (f *File) value(n uint64, node *node) Value {
	v := Value{file: f, inline: node.data, size: int64(node.size), offset: int64(n)*f.PageSize + int64(node.at)}
	if node.data == nil {
		v.offset = int64(node.page)*f.PageSize + headerBytes
	}
	return v
}

// Keep returns a copy that is read anew whenever it is asked for. It is valid as long
// as the file does not change.
func (v *Value) Keep() *Value { return &Value{file: v.file, offset: v.offset, size: v.size} }

// Len is the length of the value in bytes.
func (v *Value) Len() int64 { return v.size }

// ReadAt implements io.ReaderAt.
func (v *Value) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 || at >= v.size {
		return 0, io.EOF
	}
	short := int64(len(p)) > v.size-at
	if short {
		p = p[:v.size-at]
	}
	n := 0
	var err error
	if v.inline != nil {
		n = copy(p, v.inline[at:])
	} else {
		n, err = v.file.src.ReadAt(p, v.offset+at)
		if n == len(p) {
			err = nil // a reader may tell of the end at once
		}
	}
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// Append appends at most limit bytes of the value to dst.
func (v *Value) Append(dst []byte, limit int64) ([]byte, error) {
	n := int(min(v.size, limit))
	if v.inline != nil {
		return append(dst, v.inline[:n]...), nil
	}
	at := len(dst)
	// No more memory at a time than there is file for: a hole in a file costs nothing.
	const step = 1 << 20
	for got := 0; got < n; {
		more := min(n-got, step)
		dst = append(dst, make([]byte, more)...)
		if _, err := v.ReadAt(dst[at+got:], int64(got)); err != nil && err != io.EOF {
			return dst[:at], corruptf("a value of %d bytes at %d of the file cannot be read: %v", v.size, v.offset, err)
		}
		got += more
	}
	return dst, nil
}
