package codec

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
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

// What Validate accepts of a chunk of runs, and only that, is accepted.
func TestSetOfRuns(t *testing.T) {
	key := AppendSetKey(nil, 1, SetPending, 2)
	r := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		want := roaring.New()
		for at := uint64(2 << 16); at < 3<<16; at += 2 + r.Uint64N(9000) {
			from := at
			at += r.Uint64N(4000)
			want.AddRange(from, min(at, 3<<16-1)+1)
		}
		value, err := AppendSet(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		body := value[SumBytes:]
		if got, err := ParseSet(key, body, 2); err != nil || !got.Equals(want) {
			t.Fatalf("ParseSet: %v", err)
		}
		damaged := bytes.Clone(body)
		damaged[r.IntN(len(damaged))] ^= 1 << r.IntN(8)
		b := roaring.New()
		sound := b.UnmarshalBinary(damaged) == nil && b.Validate() == nil && b.Minimum()>>16 == 2 && b.Maximum()>>16 == 2
		if _, err := ParseSet(key, damaged, 2); sound && err != nil && int(b.GetCardinality()) == cardinality(damaged) || !sound && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%x: sound %t, ParseSet: %v", damaged, sound, err)
		}
	}
}

// cardinality is what the header of a chunk of runs counts.
func cardinality(body []byte) int { return int(body[7]) + int(body[8])<<8 + 1 }

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

func testMeta() *Meta {
	return &Meta{
		Metric: 2, VectorType: 1, IDs: true, Dimensions: 100, M: 16, M0: 32, EfConstruction: 200, Alpha: 1.1, Seed: 42,
		Slab: SlabFor(400), NextSlot: 10, NextRank: 6, Live: 5, Pending: 2, Dead: 1, Free: 2, Spread: .1, SpreadFor: 4, Longest: []uint32{7, 2}, Edition: 1, Sequence: 9, GraphSequence: 8,
		Roots: []uint32{3, 4},
	}
}

func TestMeta(t *testing.T) {
	want := testMeta()
	body := AppendMeta(nil, want)[SumBytes:]
	got, err := ParseMeta(MetaKey(1), body)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(AppendMeta(nil, got)[SumBytes:], body) || got.Roots[1] != 4 || got.Alpha != want.Alpha || !got.IDs || got.Spread != want.Spread || got.SpreadFor != 4 || !slices.Equal(got.Longest, want.Longest) || got.Edition != 1 {
		t.Fatalf("round trip gave %+v", got)
	}
	for _, spoil := range []func(*Meta){
		func(m *Meta) { m.Dimensions = 0 }, func(m *Meta) { m.M = 1 }, func(m *Meta) { m.M0 = m.M - 1 },
		func(m *Meta) { m.Slab.Rows = 0 }, func(m *Meta) { m.Slab.Stride = 100 }, func(m *Meta) { m.Live++ },
		func(m *Meta) { m.NextRank = 0 }, func(m *Meta) { m.Spread = -1 }, func(m *Meta) { m.Spread = float32(math.NaN()) }, func(m *Meta) { m.Longest[1] = 10 }, func(m *Meta) { m.Longest = make([]uint32, MaxLongest+1) }, func(m *Meta) { m.GraphSequence = 10 }, func(m *Meta) { m.Roots[0] = 10 },
		func(m *Meta) { m.Edition = 2 },
	} {
		m := testMeta()
		spoil(m)
		if _, err := ParseMeta(MetaKey(1), AppendMeta(nil, m)[SumBytes:]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%+v: error %v, want ErrCorrupt", m, err)
		}
	}
}

func TestSlabGeometry(t *testing.T) {
	for rowBytes := 1; rowBytes < 300_000; rowBytes += 1 + rowBytes/7 {
		s := SlabFor(rowBytes)
		if !s.valid() || int(s.Stride) < rowBytes {
			t.Fatalf("SlabFor(%d) = %+v", rowBytes, s)
		}
		for _, slot := range []uint32{0, 1, s.Rows - 1, s.Rows, s.Rows + 1, 1<<32 - 1, -s.Rows, rand.Uint32()} {
			slab, row := s.Of(slot)
			if slab != slot/s.Rows || row != slot%s.Rows {
				t.Fatalf("%+v: slot %d is in slab %d row %d", s, slot, slab, row)
			}
		}
	}
	// 128 float32: 39 rows in 5 pages, of which 2.5 % are not vectors.
	if s := SlabFor(512); s.Rows != 39 || s.Bytes()+pageHeadBytes > 5*pageBytes {
		t.Errorf("SlabFor(512) = %+v, %d bytes", s, s.Bytes())
	}
}

func randomSlots(r *rand.Rand, n int, below uint32) []uint32 {
	set := roaring.New()
	for range n {
		set.Add(r.Uint32N(below))
	}
	return set.ToArray()
}

// The library is the referee: it must read what we write and write what we read.
func TestListAgainstRoaring(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		slots := randomSlots(r, r.IntN(70), 1+r.Uint32N(1<<(1+i%31)))
		list := AppendList(nil, slots)
		b := roaring.New()
		if err := b.UnmarshalBinary(list); err != nil || b.Validate() != nil {
			t.Fatalf("roaring refuses the list of %v: %v, %v", slots, err, b.Validate())
		}
		if !slices.Equal(b.ToArray(), slots) {
			t.Fatalf("roaring reads %v as %v", slots, b.ToArray())
		}
		got, err := ReadList(nil, list)
		if err != nil || !slices.Equal(got, slots) {
			t.Fatalf("ReadList = %v, %v, want %v", got, err, slots)
		}
		theirs, _ := roaring.BitmapOf(slots...).ToBytes()
		if !bytes.Equal(theirs, list) {
			t.Fatalf("list of %v is %x, roaring writes %x", slots, list, theirs)
		}
	}
}

func TestForeignLists(t *testing.T) {
	runs := roaring.New()
	runs.AddRange(1000, 1200)
	runs.RunOptimize()
	list, err := runs.ToBytes()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ReadList(nil, list); err != nil || !slices.Equal(got, runs.ToArray()) {
		t.Errorf("ReadList of a list with runs: %v, %v", got, err)
	}
	runs.AddRange(0, 1<<32)
	huge, err := runs.ToBytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadList(nil, huge); !errors.Is(err, ErrCorrupt) {
		t.Errorf("list of all slots: %v, want ErrCorrupt", err)
	}
	for _, bad := range [][]byte{{}, {1, 2, 3}, make([]byte, 8), AppendList(nil, []uint32{1, 2, 3})[:17]} {
		if _, err := ReadList(nil, bad); !errors.Is(err, ErrCorrupt) {
			t.Errorf("ReadList(%x) = %v, want ErrCorrupt", bad, err)
		}
	}
}

func TestReadListDoesNotAllocate(t *testing.T) {
	list := AppendList(nil, []uint32{1, 70000, 70001, 200000})
	dst := make([]uint32, 0, 8)
	if n := testing.AllocsPerRun(100, func() { dst, _ = ReadList(dst[:0], list) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

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

func TestFlat(t *testing.T) {
	key := AppendNumberKey(nil, 1, KindRank, 0)
	r := rand.New(rand.NewPCG(3, 4))
	for _, share := range []float64{0, 0.01, 0.5, 1} {
		var f Flat
		want := map[uint32]uint32{}
		for i := range uint32(FlatSpan) {
			if r.Float64() < share {
				want[i] = r.Uint32()
				f.Set(i+5*FlatSpan, want[i])
			}
		}
		value := AppendFlat(nil, &f)
		body := value[SumBytes:]
		parsed, err := ParseFlat(key, body)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint32(FlatSpan) {
			w, present := want[i]
			v1, ok1 := parsed.Get(i)
			v2, ok2 := FlatGet(body, i+FlatSpan)
			if ok1 != present || ok2 != present || present && (v1 != w || v2 != w) {
				t.Fatalf("share %v number %d: %d %d, want %d %t", share, i, v1, v2, w, present)
			}
		}
		if len(value) > 4080 {
			t.Errorf("flat block of %d bytes does not fit a page", len(value))
		}
		if err := VerifyFlat(key, body[:len(body)-1]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("flat block cut short: %v", err)
		}
	}
}

func TestSet(t *testing.T) {
	key := AppendSetKey(nil, 1, SetDead, 2)
	b := roaring.BitmapOf(2<<16, 2<<16+5, 2<<16+65535)
	value, err := AppendSet(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseSet(key, value[SumBytes:], 2)
	if err != nil || !got.Equals(b) {
		t.Fatalf("ParseSet = %v, %v", got, err)
	}
	if _, err := ParseSet(key, value[SumBytes:], 1); !errors.Is(err, ErrCorrupt) {
		t.Errorf("slots of another chunk: %v", err)
	}
}

// FuzzDecoders feeds every decoder: whatever the bytes, an answer or an error.
func FuzzDecoders(f *testing.F) {
	f.Add(AppendList(nil, []uint32{1, 2, 70000}))
	f.Add(AppendMeta(nil, testMeta()))
	f.Add(AppendSuperblock(nil, Superblock{Version: 1, PageSize: 4096}))
	f.Add(AppendTowerBlock(nil, []TowerEntry{{1, []byte("x")}}))
	f.Add(AppendBlock(nil, &[BlockSlots][]byte{}))
	f.Add(AppendFlat(nil, &Flat{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = ParseKey(b)
		FormatKey(b)
		_, _ = ReadList(nil, b)
		_, _ = ParseSet(b, b, 0)
		_, _ = ParseSuperblock(b)
		_, _ = ParseMeta(b, b)
		_, _ = ParseTowerBlock(nil, b, b)
		if VerifyBlock(b, b) == nil {
			for i := range uint32(BlockSlots) {
				BlockEntry(b, i)
			}
		}
		if VerifyFlat(b, b) == nil {
			FlatGet(b, uint32(len(b)))
		}
		Describe(b, b, &Meta{Slab: SlabFor(64)})
	})
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
