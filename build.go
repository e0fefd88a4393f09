package hannoy

import (
	"context"
	"math"
	"runtime/trace"
	"time"

	"github.com/hannoydb/hannoy/writer"
)

// BuildOptions tunes a build. Nil, or the zero value, is the default.
type BuildOptions struct {
	Threads        int                 // goroutines that compute; 0: one per CPU. The graph does not depend on it.
	MemoryBudget   int64               // bytes of memory for links not yet committed, search state and commits, the page cache apart; 0: 1 GiB
	CommitEvery    time.Duration       // time between commits while memory lasts; 0: 5 minutes. A killed build loses what it did since the last.
	CommitOnCancel bool                // when the context is done, commit what is linked before returning, which takes as long as a round and a commit
	Progress       func(BuildProgress) // called after every step, from the building goroutine
}

// BuildProgress is how far a build has come: its Phase ("encode", "repair", "link" or
// "publish"), the slots of it that are Done of the Total, the Rate in slots a second, the
// time Left of the phase and that Elapsed since the build began. What is not known is 0.
type BuildProgress = writer.Progress

// BuildReport says what a build did: how many slots it Linked and how many dead ones it
// Removed, in how many Rounds and Commits, on how many Threads; RecordsWritten and
// BytesWritten, the Distances that it computed, and the time Elapsed.
type BuildReport = writer.Report

// Build links the items that are pending, unless the index has no graph, and repairs the graph around those that
// were deleted or replaced. It covers what was committed when it began; what others
// commit meanwhile answers queries at once and is linked by the next Build.
//
// Links are committed when they fill a part of the memory budget, and every five
// minutes, or as BuildOptions say. When ctx is done, or the process dies, what was
// committed stays and the next Build goes on from there. The error wraps ErrBusy while
// another Build runs on the directory, in whichever process; with Options.AutoBuild,
// Build waits for it.
func (ix *Index) Build(ctx context.Context, opts *BuildOptions) (*BuildReport, error) {
	if err := ix.usable(); err != nil {
		return nil, err
	}
	defer trace.StartRegion(ctx, "hannoy build").End()
	report, err := writer.Build(ctx, ix.env, ix.id, opts.options(ix.auto != nil))
	ix.logBuild(ctx, report, err)
	return report, err
}

// options are those of the writer; wait says whether for another build.
func (opts *BuildOptions) options(wait bool) writer.BuildOptions {
	if opts == nil {
		opts = &BuildOptions{}
	}
	o := writer.BuildOptions{
		Threads:     opts.Threads,
		MemoryBytes: opts.MemoryBudget,
		CommitEvery: opts.CommitEvery,
		Wait:        wait,
		Progress:    opts.Progress,
	}
	if opts.CommitOnCancel {
		o.KeepWithin = math.MaxInt64
	}
	return o
}
