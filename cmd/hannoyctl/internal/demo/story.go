package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// demoResult is what demo --json prints.
type demoResult struct {
	Items        int               `json:"items"`
	Dimensions   int               `json:"dimensions"`
	Queries      int               `json:"queries"`
	K            int               `json:"k"`
	Threads      int               `json:"threads"`
	BuildSeconds float64           `json:"build_seconds"`
	OpenMillis   float64           `json:"open_ms"`
	FirstMillis  float64           `json:"first_query_ms"`
	Curve        []measure.Figures `json:"curve"`
	Exact        measure.Figures   `json:"exact"`
	Added        int               `json:"added"`
	AddSeconds   float64           `json:"add_seconds"`
	Bytes        int64             `json:"bytes"`
	Dir          string            `json:"dir"`
	Neighbours   []demoAnswer      `json:"neighbours"`
}

type demoAnswer struct {
	Key  string            `json:"key"`
	Hits []operand.JSONHit `json:"hits"`
	text string
	seen []hannoy.Hit
}

// say prints one line of the story; the name of what it is about comes first.
func (d *demo) say(name, format string, args ...any) {
	d.bar.Clear()
	fmt.Fprintf(d.out, "%-9s %s\n", name, fmt.Sprintf(format, args...))
}

// demoNames are names whose neighbours a reader can judge. Other sources show some of theirs.
var demoNames = []string{"strings.Builder.Grow", "net/http.Client.Get", "math.Sin", "os.ReadFile", "sync.Mutex.Lock", "crypto/sha256.Sum256"}

func (d *demo) neighbours(s *hannoy.Snapshot) error {
	at := map[string]int{}
	for i, e := range d.entries {
		at[e.name] = i
	}
	var show []int
	for n, name := range demoNames {
		i, ok := at[name]
		if !ok {
			i = (2*n + 1) * len(d.entries) / (2 * len(demoNames))
		}
		show = append(show, i)
	}
	for _, i := range show[:4] {
		hits, err := s.Search(d.ctx, d.vectors[i], 6, &hannoy.SearchOptions{WithValues: true})
		if err != nil {
			return err
		}
		e := d.entries[i]
		hits = slices.DeleteFunc(hits, func(h hannoy.Hit) bool { return string(h.Key) == e.name })
		hits = hits[:min(len(hits), 5)]
		d.result.Neighbours = append(d.result.Neighbours, demoAnswer{e.name, operand.JSONHits(operand.KeyStyle{}, hits), e.first, hits})
	}
	d.result.Items = s.Len()
	info, err := os.Stat(operand.DataFile(d.dir))
	if err == nil {
		d.result.Bytes = info.Size()
	}
	return err
}

// tell prints what was found.
func (d *demo) tell() error {
	r := &d.result
	d.say("size", "%s on disk, %s bytes an item, of which %s are its vector", terminal.Bytes(r.Bytes), terminal.Thousands(r.Bytes/int64(r.Items)), terminal.Thousands(4*demoDimensions))
	d.say("add", "%s names more in %.1f s: they are linked in, the rest of the graph stays as it is", terminal.Thousands(r.Added), r.AddSeconds)
	fmt.Fprintf(d.out, "\nThe %d nearest of each of %s names that were not in the index, on %s:\n\n", r.K, terminal.Thousands(r.Queries), terminal.Plural(r.Threads, "thread"))
	if err := measure.PrintCurve(d.out, append(slices.Clone(r.Curve), r.Exact)); err != nil {
		return err
	}
	for _, a := range r.Neighbours {
		fmt.Fprintf(d.out, "\nNearest to %s: %s\n", a.Key, shorten(a.text, 76))
		s := terminal.NewSheet(d.out)
		for _, h := range a.seen {
			var value struct{ Doc string }
			if err := json.Unmarshal(h.Value, &value); err != nil {
				return errors.Join(fmt.Errorf("value of %s", h.Key), err)
			}
			s.Row(fmt.Sprintf("  %.3f", h.Distance), string(h.Key), shorten(value.Doc, 76))
		}
		if err := s.Flush(); err != nil {
			return err
		}
	}
	me := commandName()
	fmt.Fprintf(d.out, "\nGo on with it, and remove %s when you are done:\n\n", r.Dir)
	for _, next := range []string{"query %s --key net/http.Client.Do -k 5 --values", "query %s --key net/http.Client.Do -k 5 --filter '!net'", "get %s --key os.ReadFile", "stats %s", "report %s -o report.html", "build --help"} {
		if strings.Contains(next, "%s") {
			next = fmt.Sprintf(next, r.Dir)
		}
		fmt.Fprintf(d.out, "  %s %s\n", me, next)
	}
	return nil
}

// commandName is how this program was called, as far as one can call it so again: go run removes what it has built, or keeps it
// in a cache.
func commandName() string {
	if strings.Contains(os.Args[0], "go-build") || cached.MatchString(os.Args[0]) {
		return "go run github.com/hannoydb/hannoy/cmd/hannoyctl"
	}
	return os.Args[0]
}

var cached = regexp.MustCompile(`/[0-9a-f]{64}-d/`)

// shorten cuts a sentence to about n letters, between words.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	cut := strings.LastIndexByte(s[:n], ' ')
	if cut < n/2 {
		cut = n
	}
	return strings.ToValidUTF8(s[:cut], "") + " ..."
}
