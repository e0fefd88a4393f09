package compression

import (
	"io"
	"strings"
	"testing"
)

func TestExpansionIsBounded(t *testing.T) {
	e := &expansion{in: &Counter{N: 100}, out: zeros{}, grace: 1 << 20}
	n, err := io.Copy(io.Discard, e)
	if err == nil || !strings.Contains(err.Error(), "not a file of vectors") || n > 2<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
