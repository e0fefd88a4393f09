package codec

import (
	"bytes"
	"errors"
	"testing"
)

func TestBlock(t *testing.T) {
	key := AppendLinksKey(nil, 1, 0, 0)
	var entries [BlockSlots][]byte
	entries[0], entries[2], entries[3] = []byte("first"), []byte{}, []byte("last")
	value := Seal(key, AppendBlock(nil, &entries))
	if err := VerifyBlock(key, value); err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		if got := BlockEntry(value, uint32(i)); !bytes.Equal(got, entries[i]) {
			t.Errorf("entry %d is %q, want %q", i, got, entries[i])
		}
	}
	if got := BlockBytes((*[BlockHeadBytes]byte)(value)); got != len(value) {
		t.Errorf("BlockBytes = %d, value has %d", got, len(value))
	}
	for n := range value {
		if err := VerifyBlock(key, value[:n]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("block cut to %d bytes: %v", n, err)
		}
	}
}

func TestBlocks(t *testing.T) {
	for slots, want := range map[uint32]uint32{0: 0, 1: 1, 4: 1, 5: 2, 1<<32 - 4: 1<<30 - 1, 1<<32 - 3: 1 << 30, 1<<32 - 1: 1 << 30} {
		if got := Blocks(slots); got != want {
			t.Errorf("%d slots are in %d blocks, want %d", slots, got, want)
		}
	}
}

func TestTowerBlock(t *testing.T) {
	key := AppendTowersKey(nil, 1, 1, 0)
	want := []TowerEntry{{3, []byte("three")}, {4, nil}, {65535, []byte("top")}}
	value := AppendTowerBlock(nil, want)
	got, err := ParseTowerBlock(nil, key, value)
	if err != nil || len(got) != len(want) {
		t.Fatalf("ParseTowerBlock = %v, %v", got, err)
	}
	for _, e := range want {
		if i, ok := SearchTower(got, e.Slot); !ok || !bytes.Equal(got[i].List, e.List) {
			t.Errorf("SearchTower(%d) = %d, %t", e.Slot, i, ok)
		}
	}
	if _, ok := SearchTower(got, 5); ok {
		t.Error("found slot 5")
	}
	for n := range value {
		if _, err := ParseTowerBlock(nil, key, value[:n]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("tower block cut to %d bytes: %v", n, err)
		}
	}
}
