package hannoy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/kv/datafile"
	"github.com/hannoydb/hannoy/writer/rewrite"
)

// CompactReport says what a compaction did: BytesBefore and BytesAfter of the data file,
// how many changes of others it CaughtUp with, and the time Elapsed.
type CompactReport = rewrite.CompactReport

// Compact writes the directory anew, with all its indexes, and gives back the room of
// what is no longer needed. Items that are linked come to lie close to each other,
// which makes searches faster. It needs room on disk for a second copy.
//
// Searches and updates go on meanwhile, in all processes; at the end writers wait for
// a moment, and everybody goes on with the new files. Builds do not run meanwhile (writers
// with Options.AutoBuild wait once sixteen times as many items are pending as it allows):
// the error wraps ErrBusy if one does now, but with AutoBuild Compact waits for its turn. Deleted items whose links await repair keep
// their room, so build first. When ctx is done, or the process dies, the old files stay
// as they are, and the next Open removes what is left of the new ones.
//
// A process that has the directory open and does nothing keeps the room of the old
// files until its next call.
func (ix *Index) Compact(ctx context.Context) (*CompactReport, error) {
	if err := ix.usable(); err != nil {
		return nil, err
	}
	report, err := rewrite.Compact(ctx, ix.env, ix.auto != nil)
	if err == nil {
		ix.log(ctx, slog.LevelInfo, "hannoy: compacted", "report", report)
	}
	return report, err
}

// CompactTo writes a compacted copy of the latest commit, with all indexes of the
// directory, into another directory, which must not hold anything, or not exist: a backup. All
// others go on meanwhile, builds too. After an error the directory holds no index.
func (ix *Index) CompactTo(ctx context.Context, dir string) (report *CompactReport, err error) {
	if err := ix.usable(); err != nil {
		return nil, err
	}
	if sameDirectory(dir, ix.Path()) {
		return nil, fmt.Errorf("copy %s: %w: to itself (give another directory)", ix.Path(), ErrInvalid)
	}
	if err := datafile.Vacant(dir); err != nil {
		return nil, fmt.Errorf("copy to %w", err)
	}
	to, err := kv.Open(dir, kv.Options{Create: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	return rewrite.CopyTo(ctx, ix.env, to)
}

func sameDirectory(a, b string) bool {
	x, err := os.Stat(a)
	y, failed := os.Stat(b)
	return err == nil && failed == nil && os.SameFile(x, y)
}
