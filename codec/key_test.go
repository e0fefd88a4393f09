package codec

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func TestKeysSortAndParse(t *testing.T) {
	keys := [][]byte{
		SuperblockKey(), NameKey("a"), NameKey("b"),
		MetaKey(1), AppendSlotKey(nil, 1, []byte("k")), AppendNumberKey(nil, 1, KindIDSlot, 1),
		AppendNumberKey(nil, 1, KindKey, 0), AppendNumberKey(nil, 1, KindKey, 255), AppendNumberKey(nil, 1, KindKey, 256),
		AppendNumberKey(nil, 1, KindSlotID, 9), AppendSetKey(nil, 1, SetPending, 3), AppendSetKey(nil, 1, SetDead, 0),
		AppendNumberKey(nil, 1, KindValue, 5), AppendNumberKey(nil, 1, KindVectors, 1<<31), AppendNumberKey(nil, 1, KindRank, 1),
		AppendLinksKey(nil, 1, 0, 1<<20), AppendTowersKey(nil, 1, 1, 2), AppendLinksKey(nil, 1, 1, 3),
		AppendLabelKey(nil, 1, "a", 0), AppendLabelKey(nil, 1, "a", 1<<16-1), AppendLabelKey(nil, 1, "a b", 0), AppendLabelKey(nil, 1, "ab", 256),
		AppendNumberKey(nil, 1, KindLabels, 0), MetaKey(2),
	}
	if !slices.IsSortedFunc(keys, bytes.Compare) {
		t.Error("keys are not in the order that the package promises")
	}
	for _, key := range keys {
		p, err := ParseKey(key)
		if err != nil {
			t.Errorf("ParseKey(%x): %v", key, err)
		}
		if FormatKey(key) == "" || p.Kind.String() == "" {
			t.Errorf("key %x has no text", key)
		}
		if p.Kind != KindName && p.Kind != KindSlot {
			if _, err := ParseKey(append(bytes.Clone(key), 0)); !errors.Is(err, ErrCorrupt) {
				t.Errorf("ParseKey(%x and a byte more) = %v, want ErrCorrupt", key, err)
			}
		}
	}
}

func TestQuoteKey(t *testing.T) {
	for _, test := range []struct {
		ids  bool
		key  string
		want string
	}{
		{true, "\x00\x00\x34\xb4", "13492"},
		{true, "abc", `"abc"`}, // none of an index of ids, but no reason to panic
		{false, "\x00\x00\x34\xb4", `"\x00\x004\xb4"`},
		{false, `a"b`, `"a\"b"`},
	} {
		if got := QuoteKey(test.ids, []byte(test.key)); got != test.want {
			t.Errorf("QuoteKey(%t, %q) = %s, want %s", test.ids, test.key, got, test.want)
		}
	}
}
