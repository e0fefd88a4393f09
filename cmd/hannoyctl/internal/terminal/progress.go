package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// A Bar shows how far a long command is, on a terminal only:
//
//	linking   43 % [=================>                      ]  86,016/200,000  3,120/s  37 s left
//
// or, if it is told to, as lines of JSON for another program to read.
type Bar struct {
	w       io.Writer // nil: silent
	json    bool
	mu      sync.Mutex // guards the rest
	phase   string
	started time.Time // of the phase
	drawn   time.Time
	width   int // of the last line, to be wiped
}

// Progress is the flag that says how progress is shown: auto, json or none.
type Progress string

// String is the flag's value.
func (p *Progress) String() string { return string(*p) }

// Type is how help texts name the flag's value.
func (p *Progress) Type() string { return "how" }

// Set reads the flag.
func (p *Progress) Set(s string) error {
	if s != "auto" && s != "json" && s != "none" {
		return fmt.Errorf("%q is not auto, json or none", s)
	}
	*p = Progress(s)
	return nil
}

// NewBar is a bar on w, by default silent unless w is a terminal.
func NewBar(w io.Writer, how Progress) *Bar {
	f, ok := w.(*os.File)
	switch {
	case how == "json":
		return &Bar{w: w, json: true}
	case how != "none" && ok && IsTerminal(f) && os.Getenv("TERM") != "dumb":
		return &Bar{w: w}
	}
	return &Bar{}
}

// IsTerminal takes every character device for a terminal: what is drawn on /dev/null disturbs nobody.
func IsTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// These keep drawing cheap and readable.
const (
	barInterval  = 100 * time.Millisecond
	jsonInterval = time.Second
)

// leastTelling is the share of a phase from which on the time that it took says how long the rest takes.
const leastTelling = .01

// step is one state of a bar; the JSON names are those of --progress json.
type step struct {
	Phase    string  `json:"phase"`
	Done     int64   `json:"done"`
	Total    int64   `json:"total"`                  // 0: unknown
	Share    float64 `json:"share,omitempty"`        // done, 0 to 1, where nothing is counted
	Rate     float64 `json:"rate"`                   // per second, 0: unknown
	Left     float64 `json:"seconds_left,omitempty"` // of the phase
	Seconds  float64 `json:"seconds"`                // since the phase began
	fraction float64 // less than 0: unknown
}

// Set shows done of total. Where the total is unknown, fraction (0 to 1, or less than 0) stands in for the ratio.
func (b *Bar) Set(phase string, done, total int64, fraction float64) {
	b.show(&step{Phase: phase, Done: done, Total: total, fraction: fraction})
}

// Busy shows that a phase goes on, until the function that it returns is called, and how much of it is done, 0 to 1, as share says; nil
// where that cannot be told.
func (b *Bar) Busy(phase string, share func() float64) (stop func()) {
	if b.w == nil {
		return func() {}
	}
	if share == nil {
		share = func() float64 { return -1 }
	}
	ending, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(barInterval)
		defer tick.Stop()
		for {
			b.Set(phase, 0, 0, share())
			select {
			case <-ending:
				return
			case <-tick.C:
			}
		}
	}()
	return func() {
		close(ending)
		<-ended
		b.Clear()
	}
}

// show shows a step. The rate and the time left, unless given, are those since the phase began.
func (b *Bar) show(s *step) {
	if b.w == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if s.Phase != b.phase {
		b.phase, b.started, b.drawn = s.Phase, now, time.Time{}
	}
	interval := barInterval
	if b.json {
		interval = jsonInterval
	}
	if now.Sub(b.drawn) < interval && (s.Total <= 0 || s.Done < s.Total) {
		return
	}
	b.drawn = now
	s.complete(now.Sub(b.started))
	if b.json {
		// What fails to be shown fails nobody.
		_ = json.NewEncoder(b.w).Encode(s)
		return
	}
	b.draw(s.line())
}

// complete fills in what follows from the rest.
func (s *step) complete(elapsed time.Duration) {
	s.Seconds, s.Left = Seconds(elapsed), Rounded(s.Left, 1)
	if s.Done == 0 && s.Total == 0 && s.fraction > 0 {
		s.Share = Rounded(s.fraction, 3)
	}
	if s.Total > 0 {
		s.fraction = float64(s.Done) / float64(s.Total)
	}
	if elapsed <= 200*time.Millisecond || s.Rate > 0 {
		return
	}
	s.Rate = float64(s.Done) / elapsed.Seconds()
	if s.fraction >= leastTelling && s.fraction < 1 {
		s.Left = Rounded(elapsed.Seconds()*(1-s.fraction)/s.fraction, 1)
	}
}

func (b *Bar) draw(line string) {
	pad := max(0, b.width-len(line))
	fmt.Fprintf(b.w, "\r%s%s", line, strings.Repeat(" ", pad))
	b.width = len(line)
}

// Clear takes the bar off the screen.
func (b *Bar) Clear() {
	if b.width > 0 {
		fmt.Fprintf(b.w, "\r%s\r", strings.Repeat(" ", b.width))
		b.width = 0
	}
}

func (s *step) line() string {
	var line strings.Builder
	fmt.Fprintf(&line, "%-9s ", s.Phase)
	if s.fraction >= 0 {
		const cells = 30
		full := min(cells, int(s.fraction*cells))
		fmt.Fprintf(&line, "%3.0f %% [%-*s] ", 100*s.fraction, cells, strings.Repeat("=", full)+">"[:min(1, cells-full)])
	}
	if s.Done == 0 && s.Total <= 0 {
		fmt.Fprintf(&line, "%.0f s", s.Seconds)
	} else {
		line.WriteString(Thousands(s.Done))
	}
	if s.Total > 0 {
		line.WriteString("/" + Thousands(s.Total))
	}
	if s.Rate > 0 {
		fmt.Fprintf(&line, "  %s/s", Thousands(int64(s.Rate)))
	}
	if s.Left > 0 {
		fmt.Fprintf(&line, "  %s left", time.Duration(s.Left*float64(time.Second)).Round(time.Second))
	}
	return line.String()
}
