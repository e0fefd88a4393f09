package linking_test

import (
	"testing"

	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/linking"
)

func TestLevel(t *testing.T) {
	const n, m = 100000, 16
	var at [graph.MaxLevel + 2]int
	for i := range n {
		key := []byte{byte(i), byte(i >> 8), byte(i >> 16), 'k', 'e', 'y', 's', 'x', 'y', 'z'}[:3+i%8]
		at[linking.Level(42, key, m)]++
	}
	above := 0
	for level := graph.MaxLevel; level > 0; level-- {
		above += at[level]
		want := float64(n)
		for range level {
			want /= m
		}
		if float64(above) > 1.25*want+5 || float64(above) < 0.8*want-5 {
			t.Errorf("%d slots on level %d or above, want about %.0f", above, level, want)
		}
	}
	// What has been drawn is in files: it must not change.
	for _, golden := range []struct {
		key  string
		m    int
		want uint8
	}{{"", 2, 4}, {"a", 2, 0}, {"hannoy", 2, 0}, {"a longer key", 2, 1}} {
		if got := linking.Level(1, []byte(golden.key), golden.m); got != golden.want {
			t.Errorf("level of %q is %d, want %d", golden.key, got, golden.want)
		}
	}
}
