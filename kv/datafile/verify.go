package datafile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
	"github.com/hannoydb/hannoy/kv/place"
	"github.com/hannoydb/hannoy/kv/proof"
)

// Verify reads every page and every record of a commit, which a read transaction holds, of the data file
// with the given id in dir: the structure of the pages (see pages.File.Walk), then of each record checksum
// and form, and that no record is missing or older than it should be. It calls visit, if that is not nil, with
// each record that is sound; the value is nil for those of KindValue, and borrowed for the others.
func Verify(ctx context.Context, dir string, id place.FileID, commit uint64, visit func(p codec.ParsedKey, key, value []byte) error) (*proof.Findings, error) {
	// LMDB's locks are on the lock file only, so closing this descriptor drops none.
	f, err := os.OpenFile(filepath.Join(dir, place.DataFile), os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	superseded := fmt.Errorf("verify %s: %w", dir, ErrSuperseded)
	if fi, err := f.Stat(); err != nil || place.IDOf(fi) != id {
		return nil, errors.Join(err, superseded) // by another file
	}
	file, err := openPages(f)
	if err != nil {
		return nil, err
	}
	meta := &file.Metas[commit&1]
	if file.Newest() != meta {
		// Either a commit has followed, or the newest was made by a process that died
		// before it could tell readers. The next but one writes the meta page of ours
		// again: see that it is not about to.
		time.Sleep(2 * time.Millisecond)
	}
	again, err := openPages(f)
	if err != nil {
		return nil, err
	}
	if meta.Txn != commit || again.Metas[commit&1] != *meta {
		return nil, superseded
	}
	findings, err := proof.Of(ctx, file, meta, visit)
	if errors.Is(err, pages.ErrForeign) {
		return nil, fmt.Errorf("open %s: %w: the LMDB environment of another program: %w", dir, ErrNotIndex, err)
	}
	if newer := (*codec.NewerFormatError)(nil); errors.As(err, &newer) {
		return nil, fmt.Errorf("%w: %w", ErrVersion, err)
	}
	return findings, err
}
