package hannoy

import (
	"fmt"
	"time"

	"github.com/hannoydb/hannoy/writer/fold"
)

// AutoBuild, in Options, has an open index built in the background: what is put,
// replaced or deleted, here or by other processes, is folded into the graph soon
// after. The zero value is a good policy.
//
// Any number of processes may ask for it. One at a time builds in a directory; the
// others wait for their turn, and take over when it closes or dies.
type AutoBuild struct {
	// Pending bounds what a query has to compare one by one. Update waits, as long as
	// its context allows, while so many items are pending, and a fold begins at
	// half of it, or when as many were deleted. A larger batch is let through when fewer
	// are. While Compact or Alter writes the files anew, and no fold can run, sixteen times
	// as many may be. 0: as many as are compared in half the time of a search of the graph,
	// which is 1 MiB over 256 bytes and the bytes of a vector; 1,365 for 128 numbers.
	Pending int
	// Age is how long a change waits for its fold at most, while the builder keeps up;
	// 0: 1 second. A fold writes most of the links anew that are near what has changed,
	// so a short age costs writes.
	Age time.Duration
	// Threads are the processors that folds may take from queries; 0: 1.
	Threads int
	// Done, unless nil, is called after every fold that had something to do, from the
	// building goroutine, with its report or its error. It must neither close the index
	// nor call Update, which may wait for the next fold.
	//
	// A fold that failed is tried again, at longer and longer intervals. Nothing else
	// fails by it, since answers stay right without it, until Update would wait for it
	// in vain: then Update returns that error.
	Done func(*BuildReport, error)
}

// check names what contradicts the policy.
func (p *AutoBuild) check(readOnly bool) error {
	switch {
	case p == nil:
	case readOnly:
		return fmt.Errorf("%w: AutoBuild writes, and the index is to be opened read-only", ErrInvalid)
	case p.Pending < 0 || p.Age < 0 || p.Threads < 0:
		return fmt.Errorf("%w: AutoBuild has pending %d, age %s, threads %d, none may be negative", ErrInvalid, p.Pending, p.Age, p.Threads)
	}
	return nil
}

// autoBuild starts the background builder.
func (ix *Index) autoBuild(policy AutoBuild) *fold.Builder {
	return fold.Start(fold.Policy(policy), fold.Target{
		Env: ix.env, ID: ix.id, Name: ix.name, RowBytes: ix.kernel.Load().RowBytes(), Usable: ix.usable, Log: ix.logBuild,
	})
}

// Pending is how many items no build has linked yet: none in an index without a graph.
// It reads one record.
func (ix *Index) Pending() (int, error) {
	if err := ix.usable(); err != nil {
		return 0, err
	}
	m, err := ix.env.Meta(ix.id)
	if err != nil {
		return 0, err
	}
	return m.Unlinked(), nil
}
