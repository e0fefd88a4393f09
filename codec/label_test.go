package codec

import (
	"errors"
	"slices"
	"testing"
)

func TestLabelKeys(t *testing.T) {
	key := AppendLabelKey(nil, 1, "größe:xl", 0x0041)
	if p, err := ParseKey(key); err != nil || string(p.Name) != "größe:xl" || p.Number != 0x41 {
		t.Errorf("ParseKey(%x) = %+v, %v", key, p, err)
	}
	for _, bad := range [][]byte{AppendLabelKey(nil, 1, "", 0), AppendLabelKey(nil, 1, "a\x00b", 0), key[:len(key)-1], AppendPrefix(nil, 1, KindLabel)} {
		if _, err := ParseKey(bad); !errors.Is(err, ErrCorrupt) {
			t.Errorf("ParseKey(%x) = %v, want ErrCorrupt", bad, err)
		}
	}
}

func TestLabels(t *testing.T) {
	key := AppendNumberKey(nil, 1, KindLabels, 0)
	for _, want := range [][]string{nil, {"a"}, {"a", "ab", "größe", "two words"}} {
		entry := AppendLabels(nil, want)
		if got, err := ParseLabels(key, entry); err != nil || !slices.Equal(got, want) || LabelsBytes(want) != len(entry) {
			t.Errorf("labels %q are read as %q, %v", want, got, err)
		}
	}
	for _, bad := range []string{"\x00", "\x05abcd", "\x01b\x01a", "\x01a\x01a", "\x02a\n", "\x02\xff\xfe"} {
		if got, err := ParseLabels(key, []byte(bad)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("ParseLabels(%q) = %q, %v, want ErrCorrupt", bad, got, err)
		}
	}
}
