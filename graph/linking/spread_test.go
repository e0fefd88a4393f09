package linking_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/hannoydb/hannoy/graph/graphtest"
	"github.com/hannoydb/hannoy/graph/linking"
)

// TestSpread: the power is that of the cloud's dimension, and no matter of threads.
func TestSpread(t *testing.T) {
	const n, dims = 3000, 4
	c := graphtest.Clustered(rand.New(rand.NewPCG(3, 4)), n, dims, 1, 1)
	var last float32
	for _, threads := range []int{1, 2, 3} {
		p := graphtest.Params(8, 60)
		p.Threads = threads
		b := graphtest.NewBuilder(t, p, c)
		b.Add(graphtest.Placed(0, linking.SpreadLeast-1, p.M))
		graphtest.Drain(t, b)
		if s, err := b.Spread(context.Background(), n); s != 0 || err != nil {
			t.Fatalf("%v, %v for too few slots", s, err)
		}
		b.Add(graphtest.Placed(linking.SpreadLeast-1, n, p.M))
		graphtest.Drain(t, b)
		s, err := b.Spread(context.Background(), n)
		// Squared distances in such a cloud grow like r^(2/dims); the tenth around which
		// they grow least is below that.
		if err != nil || s < .25 || s > 2./dims || last != 0 && s != last {
			t.Errorf("%d threads: spread %v, error %v; before %v", threads, s, err, last)
		}
		last = s
		cancelled, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := b.Spread(cancelled, n); err == nil {
			t.Error("cancelled, and no error")
		}
	}
}
