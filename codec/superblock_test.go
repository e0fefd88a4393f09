package codec

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func TestSuperblock(t *testing.T) {
	want := Superblock{Version: FormatVersion, PageSize: 4096, Digest: 1 << 60}
	body := AppendSuperblock(nil, want)[SumBytes:]
	if got, err := ParseSuperblock(body); err != nil || got != want {
		t.Fatalf("ParseSuperblock = %+v, %v", got, err)
	}
	newer := AppendSuperblock(nil, Superblock{Version: FormatVersion + 1})[SumBytes:]
	var e *NewerFormatError
	if _, err := ParseSuperblock(append(newer, "whatever comes then"...)); !errors.As(err, &e) || e.Version != FormatVersion+1 {
		t.Fatalf("newer version: error %v", err)
	}
	foreign := bytes.Clone(body)
	const mark = len(superblockMagic) + 8
	slices.Reverse(foreign[mark : mark+4])
	if _, err := ParseSuperblock(foreign); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("other byte order: error %v", err)
	}
}
