package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// A bar shows how far a long command is, on a terminal only:
//
//	linking   43 % [=================>                      ]  86,016/200,000  3,120/s  37 s left
type bar struct {
	w       io.Writer  // nil: not a terminal
	mu      sync.Mutex // guards the rest
	phase   string
	started time.Time // of the phase
	drawn   time.Time
	width   int // of the last line, to be wiped
}

// newBar is a bar on w, silent unless w is a terminal.
func newBar(w io.Writer) *bar {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		return &bar{w: w}
	}
	return &bar{}
}

// barInterval keeps drawing cheap and readable.
const barInterval = 100 * time.Millisecond

// set shows done of total. Where the total is unknown, fraction (0 to 1, or less than 0) stands in for the ratio.
func (b *bar) set(phase string, done, total int64, fraction float64) {
	if b.w == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if phase != b.phase {
		b.phase, b.started, b.drawn = phase, now, time.Time{}
	}
	if now.Sub(b.drawn) < barInterval && (total <= 0 || done < total) {
		return
	}
	b.drawn = now
	if total > 0 {
		fraction = float64(done) / float64(total)
	}
	b.draw(barLine(phase, done, total, fraction, now.Sub(b.started)))
}

func (b *bar) draw(line string) {
	pad := max(0, b.width-len(line))
	fmt.Fprintf(b.w, "\r%s%s", line, strings.Repeat(" ", pad))
	b.width = len(line)
}

// clear takes the bar off the screen.
func (b *bar) clear() {
	if b.w != nil && b.width > 0 {
		fmt.Fprintf(b.w, "\r%s\r", strings.Repeat(" ", b.width))
		b.width = 0
	}
}

func barLine(phase string, done, total int64, fraction float64, elapsed time.Duration) string {
	var line strings.Builder
	fmt.Fprintf(&line, "%-9s ", phase)
	if fraction >= 0 {
		const cells = 30
		full := min(cells, int(fraction*cells))
		fmt.Fprintf(&line, "%3.0f %% [%-*s] ", 100*fraction, cells, strings.Repeat("=", full)+">"[:min(1, cells-full)])
	}
	line.WriteString(thousands(done))
	if total > 0 {
		line.WriteString("/" + thousands(total))
	}
	if s := elapsed.Seconds(); s > 0.2 && done > 0 {
		fmt.Fprintf(&line, "  %s/s", thousands(int64(float64(done)/s)))
		if fraction > 0 && fraction < 1 {
			left := time.Duration(float64(elapsed) * (1 - fraction) / fraction)
			fmt.Fprintf(&line, "  %s left", left.Round(time.Second))
		}
	}
	return line.String()
}
