// Package compression undoes and applies gzip and zstd around a file of any format.
package compression

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// A Kind of compression is what lies around a format.
type Kind uint8

// The kinds.
const (
	None Kind = iota
	gzipped
	zstandard
)

var (
	gzipMagic = []byte{0x1f, 0x8b, 0x08}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// Of tells the compression from a name's extension and returns the name without it.
func Of(name string) (base string, c Kind) {
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, ".gz"):
		return name[:len(name)-3], gzipped
	case strings.HasSuffix(lower, ".zst"):
		return name[:len(name)-4], zstandard
	}
	return name, None
}

// Sniff tells the compression from the first bytes of a stream.
func Sniff(head []byte) Kind {
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		return gzipped
	case bytes.HasPrefix(head, zstdMagic):
		return zstandard
	}
	return None
}

const (
	// maxWindow bounds what a zstd frame may ask for. 128 MiB is what the zstd command itself accepts.
	maxWindow = 128 << 20

	// Real vectors shrink by 1.1 to 10. Beyond maxExpansion a stream is taken for a bomb, once it has yielded
	// expansionGrace bytes: small files of equal rows shrink by more and do no harm.
	maxExpansion   = 256
	expansionGrace = 64 << 20
)

// Decompress undoes c. The second result releases what the decoder holds.
func Decompress(src io.Reader, c Kind) (io.Reader, func(), error) {
	var out io.Reader
	release := func() {}
	in := &Counter{Source: src}
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

// A Counter counts the bytes that pass.
type Counter struct {
	Source io.Reader
	N      int64
}

// Read reads from the source.
func (c *Counter) Read(p []byte) (int, error) {
	n, err := c.Source.Read(p)
	c.N += int64(n)
	return n, err
}

// expansion refuses a stream whose output grows out of proportion to its input.
type expansion struct {
	in    *Counter
	out   io.Reader
	n     int64
	grace int64
}

func (e *expansion) Read(p []byte) (int, error) {
	n, err := e.out.Read(p)
	e.n += int64(n)
	if e.n > e.grace && e.n/maxExpansion > e.in.N {
		return 0, fmt.Errorf("%d compressed bytes have grown to %d, more than %d times: not a file of vectors",
			e.in.N, e.n, maxExpansion)
	}
	return n, err
}

// NewWriter applies c. Closing it ends the compressed stream and leaves dst open.
func NewWriter(dst io.Writer, c Kind) (io.WriteCloser, error) {
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
