package hannoy_test

import (
	"bytes"
	"errors"
	"log/slog"
	"runtime/trace"
	"strings"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// The logger is told what happens, and of searches only if they are slow.
func TestLogger(t *testing.T) {
	var text bytes.Buffer
	dir := t.TempDir()
	o := &hannoy.Options{Dimensions: 2, Logger: slog.New(slog.NewTextHandler(&text, nil))}
	said := func(want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(text.String(), w) {
				t.Errorf("the log lacks %q:\n%s", w, text.String())
			}
		}
		text.Reset()
	}
	ix := open(t, dir, o)
	said("level=INFO", "hannoy: opened", "index=default", "path=")
	putRows(t, ix, [][]float32{{1, 2}, {3, 4}}, 0, 2)
	build(t, ix, nil)
	said("hannoy: built", "linked=2")
	if _, err := ix.Search(ctx, []float32{1, 2}, 1, nil); err != nil || text.Len() > 0 {
		t.Errorf("a search: %v, log %s", err, text.String())
	}
	build(t, ix, nil)
	if text.Len() > 0 {
		t.Errorf("a build of nothing: %s", text.String())
	}
	o.SlowSearch = 1 // nanosecond
	slow := open(t, dir, o)
	text.Reset()
	if _, err := slow.Search(ctx, []float32{1, 2}, 1, nil); err != nil {
		t.Fatal(err)
	}
	said("level=WARN", "hannoy: slow search", "took=", "k=1", "scan")
}

// With runtime/trace on, searches and builds show their phases.
func TestTraceRegions(t *testing.T) {
	var events bytes.Buffer
	if err := trace.Start(&events); err != nil {
		t.Skip(err)
	}
	const n, dims = 200, 16
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	putRows(t, ix, fixture.Vectors(n, dims, 1), 0, n)
	build(t, ix, nil)
	_, err := ix.Search(ctx, fixture.Vectors(1, dims, 2)[0], 5, &hannoy.SearchOptions{Filter: hannoy.FilterKeys(key(1)).Not()})
	_, err2 := ix.SearchKey(ctx, key(1), 5, nil)
	trace.Stop()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	for _, region := range []string{"update", "build", "link", "publish", "search", "filter", "walk", "scan", "rank", "hits"} {
		if !bytes.Contains(events.Bytes(), []byte("hannoy "+region)) {
			t.Errorf("the trace has no region %q", "hannoy "+region)
		}
	}
}
