package vecfile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// A compression is what lies around a format.
type compression uint8

const (
	plain compression = iota
	gzipped
	zstandard
)

var (
	gzipMagic = []byte{0x1f, 0x8b, 0x08}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// compressionOf tells the compression from a name's extension and returns the name without it.
func compressionOf(name string) (base string, c compression) {
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, ".gz"):
		return name[:len(name)-3], gzipped
	case strings.HasSuffix(lower, ".zst"):
		return name[:len(name)-4], zstandard
	}
	return name, plain
}

// sniff tells the compression from the first bytes of a stream.
func sniff(head []byte) compression {
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		return gzipped
	case bytes.HasPrefix(head, zstdMagic):
		return zstandard
	}
	return plain
}

const (
	// maxWindow bounds what a zstd frame may ask for. 128 MiB is what the zstd command itself accepts.
	maxWindow = 128 << 20

	// Real vectors shrink by 1.1 to 10. Beyond maxExpansion a stream is taken for a bomb, once it has yielded
	// expansionGrace bytes: small files of equal rows shrink by more and do no harm.
	maxExpansion   = 256
	expansionGrace = 64 << 20
)

// decompress undoes c. The second result releases what the decoder holds.
func decompress(src io.Reader, c compression) (io.Reader, func(), error) {
	var out io.Reader
	release := func() {}
	in := &counter{src: src}
	switch c {
	case gzipped:
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, fmt.Errorf("not a gzip stream: %w", err)
		}
		out = z
	case zstandard:
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, fmt.Errorf("not a zstd stream: %w", err)
		}
		out, release = z, z.Close
	default:
		return src, release, nil
	}
	return &expansion{in: in, out: out, grace: expansionGrace}, release, nil
}

// counter counts the bytes that pass.
type counter struct {
	src io.Reader
	n   int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.n += int64(n)
	return n, err
}

// expansion refuses a stream whose output grows out of proportion to its input.
type expansion struct {
	in    *counter
	out   io.Reader
	n     int64
	grace int64
}

func (e *expansion) Read(p []byte) (int, error) {
	n, err := e.out.Read(p)
	e.n += int64(n)
	if e.n > e.grace && e.n/maxExpansion > e.in.n {
		return 0, fmt.Errorf("%s compressed bytes have grown to %s, more than %d times: not a file of vectors",
			commas(e.in.n), commas(e.n), maxExpansion)
	}
	return n, err
}

// compressWriter applies c. Closing it ends the compressed stream and leaves dst open.
func compressWriter(dst io.Writer, c compression) (io.WriteCloser, error) {
	switch c {
	case gzipped:
		return gzip.NewWriter(dst), nil
	case zstandard:
		return zstd.NewWriter(dst, zstd.WithEncoderConcurrency(1))
	}
	return nopCloser{dst}, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
