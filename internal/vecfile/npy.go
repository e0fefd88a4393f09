package vecfile

import (
	"bytes"
	"encoding/binary"

	"github.com/hannoydb/hannoy/internal/vecfile/npy"
)

// maxNPYHeader bounds the dict. A real one has about 118 bytes.
const maxNPYHeader = 64 << 10

func (f *fixed) openNPY() error {
	var head [12]byte
	if n, err := f.read(head[:8]); err != nil {
		return f.npyCut(int64(n), err)
	}
	if !bytes.Equal(head[:6], npy.Magic) {
		return f.r.errorAt(-1, 0, "write it with numpy.save", "not an npy file: it begins with %s", quote(string(head[:6])))
	}
	lengthBytes := 2
	if version := head[6]; version >= 2 {
		lengthBytes = 4
		if version > 3 {
			return f.r.errorAt(-1, 6, "versions 1 to 3 are read", "npy version %d.%d is unknown", version, head[7])
		}
	}
	if n, err := f.read(head[8 : 8+lengthBytes]); err != nil {
		return f.npyCut(8+int64(n), err)
	}
	length := int64(binary.LittleEndian.Uint16(head[8:]))
	if lengthBytes == 4 {
		length = int64(binary.LittleEndian.Uint32(head[8:]))
	}
	if length > maxNPYHeader {
		return f.r.errorAt(-1, 8, "is the file damaged?", "the npy header claims %s bytes, more than %s", commas(length), commas(maxNPYHeader))
	}
	dict := make([]byte, length)
	at := f.r.offset
	if n, err := f.read(dict); err != nil {
		return f.npyCut(at+int64(n), err)
	}
	elem, rows, dims, err := npy.ParseHeader(string(dict))
	if err != nil {
		return f.r.errorAt(-1, at, "save a 2-dimensional C-order array: numpy.save(f, numpy.ascontiguousarray(a, dtype='<f4'))", "%v", err)
	}
	f.layout = layout{elem: elem, rows: rows, dims: dims}
	f.headerBytes = f.r.offset
	return nil
}

func (f *fixed) npyCut(have int64, err error) error {
	if !endOfFile(err) {
		return f.r.errorAt(-1, have, "", "%v", err)
	}
	return f.r.errorAt(-1, have, "truncated? Fetch or write the file again", "the npy header ends after %s bytes", commas(have))
}
