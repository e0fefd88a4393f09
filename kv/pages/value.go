package pages

import "io"

// Value is the value of a record. It is valid until the function that got it
// returns.
type Value struct {
	file   *File
	inline []byte
	page   uint64 // first of its run; 0: it is inline
	size   int64
}

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
	if v.page == 0 {
		n = copy(p, v.inline[at:])
	} else {
		n, err = v.file.src.ReadAt(p, int64(v.page)*v.file.PageSize+headerBytes+at)
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
	if v.page == 0 {
		return append(dst, v.inline[:n]...), nil
	}
	at := len(dst)
	// No more memory at a time than there is file for: a hole in a file costs nothing.
	const step = 1 << 20
	for got := 0; got < n; {
		more := min(n-got, step)
		dst = append(dst, make([]byte, more)...)
		if _, err := v.ReadAt(dst[at+got:], int64(got)); err != nil && err != io.EOF {
			return dst[:at], corruptf("page %d: a value of %d bytes cannot be read: %v", v.page, v.size, err)
		}
		got += more
	}
	return dst, nil
}
