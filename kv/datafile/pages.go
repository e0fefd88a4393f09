package datafile

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
)

// PageSize is the size of LMDB's pages on this machine: the system's, but no more
// than LMDB's offsets of 16 bits can address.
func PageSize() int64 { return int64(min(os.Getpagesize(), 1<<15)) }

// dataSource is an open data file as package pages reads it. It may be open beside
// LMDB in this process: LMDB locks the lock file and nothing else.
type dataSource struct{ *os.File }

// Size implements pages.Source.
func (d dataSource) Size() int64 {
	fi, err := d.Stat()
	if err != nil {
		return 0
	}
	return fi.Size()
}

// openPages opens a data file by page. Another process may be writing a meta page at
// this moment, so what looks like damage is looked at again.
func openPages(f *os.File) (*pages.File, error) {
	for attempt := time.Duration(1); ; attempt++ {
		p, err := pages.Open(dataSource{f}, PageSize())
		switch {
		case errors.Is(err, codec.ErrCorrupt) && attempt < 5:
			time.Sleep(attempt * attempt * time.Millisecond)
			continue
		case errors.Is(err, pages.ErrForeign):
			err = fmt.Errorf("%w: %w", ErrNotIndex, err)
		case errors.Is(err, pages.ErrVersion):
			err = fmt.Errorf("%w: %w", ErrVersion, err)
		}
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", f.Name(), err)
		}
		return p, nil
	}
}
