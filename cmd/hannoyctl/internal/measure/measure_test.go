package measure

import (
	"encoding/xml"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func pointAt(threads, ef int, recall, qps float64) Figures {
	return Figures{Ef: ef, Threads: threads, Recall: &recall, QPS: qps}
}

func TestMedian(t *testing.T) {
	m := median([]Figures{{QPS: 3, P50Micros: 10}, {QPS: 1, P50Micros: 30}, {QPS: 2, P50Micros: 20}})
	if m.QPS != 2 || m.P50Micros != 20 {
		t.Errorf("median of 3, 1, 2 and 10, 30, 20: %v and %v", m.QPS, m.P50Micros)
	}
}

func TestDecadeTicks(t *testing.T) {
	for _, tt := range []struct {
		slow, fast float64
		want       []float64
	}{
		{2500, 27000, []float64{2000, 5000, 10000, 20000, 50000}},
		{7, 7, []float64{5, 10}},
		{100, 100, []float64{100, 200}},
		{0.3, 0.9, []float64{0.2, 0.5, 1}},
	} {
		got := decadeTicks(tt.slow, tt.fast)
		if !slices.EqualFunc(got, tt.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9*b }) {
			t.Errorf("%v to %v: %v, want %v", tt.slow, tt.fast, got, tt.want)
		}
	}
}

// TestChart draws what is hard to draw: one point, recalls that are all the same, no speed at all.
func TestChart(t *testing.T) {
	for _, points := range [][]Figures{
		{pointAt(1, 10, 1, 5000)},
		{pointAt(1, 10, 0, 0), pointAt(1, 20, 1, 1e7)},
		{pointAt(1, 10, 0.9995, 0.04), pointAt(1, 20, 1, 0.03), pointAt(2, 10, 0.9995, 0.08), pointAt(2, 20, 1, 0.06)},
	} {
		picture := string(NewChart(`<"one" & two>`, 10, points).SVG())
		for d := xml.NewDecoder(strings.NewReader(picture)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v in\n%s", err, picture)
			}
		}
		if strings.Contains(picture, "NaN") || strings.Contains(picture, "Inf") {
			t.Errorf("a place that is no number in\n%s", picture)
		}
	}
}

// TestChartLabels leaves out the label that would lie over another.
func TestChartLabels(t *testing.T) {
	picture := string(NewChart("x", 10, []Figures{pointAt(1, 10, .5, 9000), pointAt(1, 32, 1, 5000), pointAt(1, 128, 1, 4990)}).SVG())
	if !strings.Contains(picture, "ef 10<") || !strings.Contains(picture, "ef 32<") || strings.Contains(picture, "ef 128<") {
		t.Errorf("want labels of ef 10 and 32, and none of 128 over that of 32:\n%s", picture)
	}
}

// TestReading counts what is read from files, and says when nearly all is.
func TestReading(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(name, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	share := Reading(2 << 20)
	if share() < 0 {
		t.Skip("skipped: the system does not tell")
	}
	for want := range 2 {
		if got := share(); got < float64(want)/2 || got > float64(want)/2+.3 {
			t.Errorf("%v read, want about %v", got, float64(want)/2)
		}
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	if got := share(); got != -1 {
		t.Errorf("%v when all is read, want -1", got)
	}
}
