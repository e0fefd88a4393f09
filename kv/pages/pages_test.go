package pages_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/kv/pages"
)

var (
	ctx      = context.Background()
	pageSize = int64(min(os.Getpagesize(), 1<<15))
)

// churned makes an environment through which many records of all sizes have gone,
// and returns its data file and what it holds.
func churned(t testing.TB, commits, keys int, seed uint64) ([]byte, map[string][]byte) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	env, err := kv.Open(dir, kv.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	model := map[string][]byte{}
	for range commits {
		err := env.Update(ctx, func(txn *kv.Txn) error {
			for range 1 + r.IntN(80) {
				key := codec.AppendSlotKey(nil, 1, fmt.Append(nil, r.IntN(keys)*7919))
				if r.IntN(3) == 0 {
					delete(model, string(key))
					if err := txn.Delete(key); err != nil {
						return err
					}
					continue
				}
				size := 4 + r.IntN(300)
				if r.IntN(6) == 0 {
					size = r.IntN(12_000) + 4
				}
				value := bytes.Repeat([]byte{byte(r.Uint32())}, size)
				if err := txn.Put(key, value); err != nil {
					return err
				}
				model[string(key)] = slices.Clone(value)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := env.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, "data.mdb"))
	if err != nil {
		t.Fatal(err)
	}
	return file, model
}

// walk walks over the latest commit and returns the records and what is wrong.
func walk(t testing.TB, file []byte) (map[string][]byte, *pages.Report, error) {
	t.Helper()
	f, err := pages.Open(bytes.NewReader(file), pageSize)
	if err != nil {
		return nil, nil, err
	}
	found := map[string][]byte{}
	report, err := f.Walk(ctx, f.Newest(), func(key []byte, value *pages.Value) error {
		v, err := value.Append(nil, 1<<20)
		found[string(key)] = v
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, report, nil
}

func TestWalkFindsWhatWasWritten(t *testing.T) {
	for seed := range uint64(4) {
		file, model := churned(t, 1+int(seed)*30, 50+500*int(seed), seed)
		found, report, err := walk(t, file)
		if err != nil || !report.Sound() {
			t.Fatalf("seed %d: %+v, %v", seed, report, err)
		}
		delete(found, string(codec.SuperblockKey()))
		if !maps.EqualFunc(found, model, bytes.Equal) {
			t.Errorf("seed %d: %d records, want %d, or they differ", seed, len(found), len(model))
		}
		if report.Lost != 0 || report.Entries != uint64(len(model)+1) || report.Pages != uint64(int64(len(file))/pageSize) {
			t.Errorf("seed %d: %+v", seed, report)
		}
	}
}

// Whatever is damaged, a walk that finds nothing wrong has found what was written,
// up to bytes within values. No damage makes it panic, or run for ever.
func TestWalkOfDamage(t *testing.T) {
	file, model := churned(t, 30, 300, 9)
	r := rand.New(rand.NewPCG(9, 9))
	sound := 0
	for range 1000 {
		damaged := slices.Clone(file)
		page := int64(r.IntN(len(damaged) / int(pageSize)))
		at := page * pageSize
		switch r.IntN(4) {
		case 0: // a bit, where the structure is
			damaged[at+int64(r.IntN(64))] ^= 1 << r.IntN(8)
		case 1:
			damaged[at+int64(r.IntN(int(pageSize)))] ^= 1 << r.IntN(8)
		case 2: // another page
			from := int64(r.IntN(len(damaged)/int(pageSize))) * pageSize
			copy(damaged[at:at+pageSize], file[from:from+pageSize])
		case 3: // a number
			binary.NativeEndian.PutUint16(damaged[at+2*int64(r.IntN(40)):], uint16(r.Uint32()))
		}
		found, report, err := walk(t, damaged)
		if err != nil {
			if !errors.Is(err, codec.ErrCorrupt) && !errors.Is(err, pages.ErrForeign) && !errors.Is(err, pages.ErrVersion) {
				t.Fatal(err)
			}
			continue
		}
		if !report.Sound() {
			continue
		}
		sound++
		if len(found) != len(model)+1 {
			t.Fatalf("%d records of %d and nothing wrong", len(found), len(model)+1)
		}
		different := 0
		for key, value := range model {
			if !bytes.Equal(found[key], value) {
				different++
			}
		}
		if different > 2 { // two bytes at most were changed, within values or keys
			t.Fatalf("%d records differ and nothing is wrong", different)
		}
	}
	t.Logf("%d of 1,000 damages are in values or free pages", sound)
}

// Where the trees' roots and the last page are on a meta page.
const (
	mainRootAt = 128
	lastPageAt = 136
)

// A commit whose meta page could not be written leaves new trees there, and the old
// number and last page. It is the older meta page then, and nobody reads it.
func TestOpenBehindAFailedCommit(t *testing.T) {
	file, _ := churned(t, 7, 300, 6)
	f, err := pages.Open(bytes.NewReader(file), pageSize)
	if err != nil {
		t.Fatal(err)
	}
	newest := int64(f.Newest().Txn & 1)
	for i := range int64(2) {
		undone := slices.Clone(file)
		page := undone[i*pageSize:]
		binary.NativeEndian.PutUint64(page[mainRootAt:], binary.NativeEndian.Uint64(page[lastPageAt:])+5)
		_, report, err := walk(t, undone)
		if i == newest && !errors.Is(err, codec.ErrCorrupt) {
			t.Errorf("the newest meta page has a tree behind the last page: %v", err)
		}
		if i != newest && (err != nil || !report.Sound()) {
			t.Errorf("the older meta page has a tree behind the last page: %+v, %v", report, err)
		}
	}
}

func TestWalkEndsWithItsContext(t *testing.T) {
	file, _ := churned(t, 20, 300, 3)
	f, err := pages.Open(bytes.NewReader(file), pageSize)
	if err != nil {
		t.Fatal(err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := f.Walk(done, f.Newest(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Walk = %v", err)
	}
	if _, err := f.Salvage(done, nil, func(pages.Origin, []byte, *pages.Value) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Salvage = %v", err)
	}
}

// Salvage finds every record that does not lie on a damaged page.
func TestSalvage(t *testing.T) {
	file, model := churned(t, 30, 2000, 5)
	r := rand.New(rand.NewPCG(5, 5))
	for n := range 200 {
		damaged := slices.Clone(file)
		lost := 1 + r.IntN(3)
		for range lost {
			at := int64(r.IntN(len(damaged)/int(pageSize))) * pageSize
			clear(damaged[at : at+pageSize])
		}
		found := map[string]bool{}
		f := pages.OpenDamaged(bytes.NewReader(damaged), pageSize)
		_, err := f.Salvage(ctx, nil, func(from pages.Origin, key []byte, value *pages.Value) error {
			if from == pages.Old {
				return nil
			}
			v, err := value.Append(nil, 1<<20)
			if err != nil {
				return err
			}
			if want, ok := model[string(key)]; ok && bytes.Equal(v, want) {
				found[string(key)] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// A leaf page holds some 30 of these records.
		if missing := len(model) - len(found); missing > 60*lost {
			t.Errorf("run %d: with %d pages lost, %d of %d records are missing", n, lost, missing, len(model))
		}
	}
}

// hole is a file of any size, most of which is a hole.
type hole struct {
	*bytes.Reader
	size int64
}

func (h hole) Size() int64 { return h.size }

func (h hole) ReadAt(p []byte, at int64) (int, error) {
	clear(p)
	if at < h.Reader.Size() {
		_, _ = h.Reader.ReadAt(p, at)
	}
	return len(p), nil
}

// A file can be as large as it likes, and claim runs as long, without that costing
// memory or time.
func TestWalkOfAHugeHole(t *testing.T) {
	file, _ := churned(t, 10, 100, 4)
	const size = 1 << 46
	last := uint64(size/pageSize - 1)
	for at := int64(0); at < int64(len(file)); at += pageSize {
		switch page := file[at:]; binary.NativeEndian.Uint16(page[10:]) {
		case 0x04: // overflow
			binary.NativeEndian.PutUint32(page[12:], 1<<23)
		case 0x08: // meta
			binary.NativeEndian.PutUint64(page[120:], last)
		}
	}
	f, err := pages.Open(hole{bytes.NewReader(file), size}, pageSize)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	report, err := f.Walk(ctx, f.Newest(), func(key []byte, value *pages.Value) error {
		_, err := value.Append(nil, 1<<16)
		return err
	})
	runtime.ReadMemStats(&after)
	if err != nil || report.Sound() {
		t.Errorf("%+v, %v", report, err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
		t.Errorf("a walk of %d bytes allocated %d", len(file), grown)
	}
}

func FuzzWalk(f *testing.F) {
	file, _ := churned(f, 3, 20, 1)
	f.Add(file[:4*pageSize], uint32(0), byte(0))
	f.Add(file, uint32(pageSize*2), byte(1))
	f.Fuzz(func(t *testing.T, file []byte, at uint32, b byte) {
		if len(file) > 1<<20 {
			return
		}
		file = slices.Clone(file)
		if int64(at) < int64(len(file)) {
			file[at] ^= b
		}
		visit := func(key []byte, value *pages.Value) error {
			_, _ = value.Append(nil, 1<<16)
			return nil
		}
		if p, err := pages.Open(bytes.NewReader(file), pageSize); err == nil {
			for i := range p.Metas {
				if _, err := p.Walk(ctx, &p.Metas[i], visit); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, err := pages.OpenDamaged(bytes.NewReader(file), pageSize).Salvage(ctx, nil,
			func(_ pages.Origin, key []byte, value *pages.Value) error { return visit(key, value) })
		if err != nil {
			t.Fatal(err)
		}
	})
}
