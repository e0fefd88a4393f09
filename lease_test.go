package hannoy_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

const leaseAge = 30 * time.Millisecond

// openLeased returns an index of n items whose snapshots are bounded, and puts one more
// with every call of the function.
func openLeased(t *testing.T, n int) (ix *hannoy.Index, commit func()) {
	t.Helper()
	vectors := fixture.Vectors(n, processDims, 51)
	ix = open(t, t.TempDir(), &hannoy.Options{Dimensions: processDims, MaxSnapshotAge: leaseAge})
	putRows(t, ix, vectors, 0, n)
	build(t, ix, nil)
	return ix, func() {
		update(t, ix, func(b *hannoy.Batch) error { return b.Put([]byte("more"), vectors[0], hannoy.Labels("l")) })
	}
}

// A snapshot that is held for too long gives its pages back, though its View goes on, and
// everything that reads says so.
func TestSnapshotExpires(t *testing.T) {
	ix, commit := openLeased(t, 500)
	query := make([]float32, processDims)
	err := ix.View(func(s *hannoy.Snapshot) error {
		if _, err := s.Search(ctx, query, 5, nil); err != nil {
			t.Error(err)
		}
		commit()
		eventually(t, "the snapshot to expire", func() bool {
			_, err := s.Get(key(0))
			if err != nil && !errors.Is(err, hannoy.ErrExpired) {
				t.Error(err)
			}
			return err != nil
		})
		stats, err := ix.Stats()
		if err != nil || len(stats.Held) != 0 {
			t.Errorf("held: %+v, %v", stats.Held, err)
		}
		other, err := s.On(ix)
		if !errors.Is(err, hannoy.ErrExpired) {
			t.Errorf("On: %v, %v", other, err)
		}
		_, err1 := s.Has(key(0))
		_, err2 := s.SearchKey(ctx, key(0), 5, nil)
		_, err3 := s.SearchFused(ctx, []hannoy.Part{{Index: ix, Query: hannoy.Query{Vector: query}}}, 5, nil)
		_, err4 := s.Stats()
		_, err5 := s.Labels("")
		_, _, err6 := s.Prepare(ctx, hannoy.FilterLabel("l"))
		_, err7 := s.RecallEstimate(ctx, nil, 5, nil)
		_, err8 := s.SearchBatch(ctx, []hannoy.Query{{Vector: query}}, 5, nil)
		all := []error{err1, err2, err3, err4, err5, err6, err7, err8}
		for _, err := range s.Items() {
			all = append(all, err)
		}
		for _, err := range s.Nearest(ctx, hannoy.Query{Vector: query}, nil) {
			all = append(all, err)
		}
		if len(all) != 10 {
			t.Errorf("%d answers of an expired snapshot, want 10 errors", len(all))
		}
		for i, err := range all {
			if !errors.Is(err, hannoy.ErrExpired) {
				t.Errorf("call %d: %v", i, err)
			}
		}
		return errors.New("this is returned")
	})
	if err == nil || err.Error() != "this is returned" {
		t.Error(err)
	}
	if hits, err := ix.Search(ctx, query, 5, nil); err != nil || len(hits) != 5 {
		t.Errorf("a new snapshot: %v, %v", hits, err)
	}
}

// A range whose items take long ends with the error; one that is left does not read on.
func TestRangeExpires(t *testing.T) {
	ix, commit := openLeased(t, 500)
	for name, ranged := range map[string]func(s *hannoy.Snapshot, yield func(error) bool){
		"items": func(s *hannoy.Snapshot, yield func(error) bool) {
			for _, err := range s.Items() {
				if !yield(err) {
					return
				}
			}
		},
		"nearest": func(s *hannoy.Snapshot, yield func(error) bool) {
			for _, err := range s.Nearest(ctx, hannoy.Query{Key: key(3)}, nil) {
				if !yield(err) {
					return
				}
			}
		},
	} {
		for _, leave := range []bool{false, true} {
			var all []error
			err := ix.View(func(s *hannoy.Snapshot) error {
				ranged(s, func(err error) bool {
					if all = append(all, err); len(all) == 10 {
						commit()
						eventually(t, "the snapshot to expire", func() bool { _, err := s.Has(key(0)); return err != nil })
						return !leave
					}
					return true
				})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			want := 11
			if leave {
				want = 10
			}
			if last := all[len(all)-1]; len(all) != want || !leave && !errors.Is(last, hannoy.ErrExpired) || errors.Join(all[:10]...) != nil {
				t.Errorf("%s, left %t: %d items, the last error is %v", name, leave, len(all), last)
			}
		}
	}
}

// A snapshot of the latest commit holds nothing back, however old it is.
func TestLatestSnapshotDoesNotExpire(t *testing.T) {
	ix, _ := openLeased(t, 100)
	err := ix.View(func(s *hannoy.Snapshot) error {
		time.Sleep(5 * leaseAge)
		_, err := s.Get(key(0))
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Searches that are under way when their snapshot expires are finished.
func TestSearchesWhileSnapshotsExpire(t *testing.T) {
	ix, commit := openLeased(t, 2000)
	queries := fixture.Vectors(8, processDims, 52)
	var readers sync.WaitGroup
	expired := make(chan struct{}, len(queries))
	for _, q := range queries {
		readers.Go(func() {
			for err := error(nil); !errors.Is(err, hannoy.ErrExpired); {
				err = ix.View(func(s *hannoy.Snapshot) error {
					for {
						got, err := s.Search(ctx, q, 10, nil)
						if err != nil {
							return err
						}
						want, err := s.Search(ctx, q, 10, &hannoy.SearchOptions{Exact: true})
						if err != nil {
							return err
						}
						if len(got) != 10 || !bytes.Equal(got[0].Key, want[0].Key) {
							t.Errorf("%v, want %v", got, want)
						}
					}
				})
				if !errors.Is(err, hannoy.ErrExpired) {
					t.Error(err)
				}
			}
			expired <- struct{}{}
		})
	}
	eventually(t, "all snapshots to expire", func() bool {
		commit()
		return len(expired) == len(queries)
	})
	readers.Wait()
	checkSound(t, ix)
}

// What another process holds is reported.
func TestHeldSnapshotIsReported(t *testing.T) {
	dir := t.TempDir() + "/index"
	var text lines
	o := processOptions
	o.MaxSnapshotAge, o.Logger = leaseAge, slog.New(slog.NewTextHandler(&text, nil))
	ix := open(t, dir, &o)
	vectors := fixture.Vectors(100, processDims, 53)
	putRows(t, ix, vectors, 0, 100)
	holder := start(t, "holder", dir)
	eventually(t, "the snapshot to be held", func() bool { _, err := os.Stat(dir + ".held"); return err == nil })
	putRows(t, ix, vectors, 0, 50)
	eventually(t, "a report", func() bool { return strings.Contains(text.String(), "another process holds an old snapshot") })
	time.Sleep(3 * leaseAge)
	holder.stdin.Close()
	holder.wait()
	if reports := strings.Count(text.String(), "another process holds"); reports != 1 {
		t.Errorf("%d reports of one snapshot:\n%s", reports, text.String())
	}
}

// lines is what a logger has written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
