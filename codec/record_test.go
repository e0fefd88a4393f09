package codec

import (
	"bytes"
	"errors"
	"testing"
)

func TestSealOpen(t *testing.T) {
	key := AppendNumberKey(nil, 3, KindRank, 7)
	value := Seal(key, append(make([]byte, SumBytes), "some body"...))
	body, err := Open(key, value)
	if err != nil || string(body) != "some body" {
		t.Fatalf("Open = %q, %v", body, err)
	}
	for bit := range 8 * len(value) {
		damaged := bytes.Clone(value)
		damaged[bit/8] ^= 1 << (bit % 8)
		if _, err := Open(key, damaged); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("bit %d flipped: error %v, want ErrCorrupt", bit, err)
		}
	}
	if _, err := Open(AppendNumberKey(nil, 3, KindRank, 8), value); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("record under another key: error %v, want ErrCorrupt", err)
	}
	if _, err := Open(key, value[:3]); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("3 bytes: error %v, want ErrCorrupt", err)
	}
}
