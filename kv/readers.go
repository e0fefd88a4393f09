package kv

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hannoydb/hannoy/kv/lmdb"
)

// Reader is a reader slot in use, of any process.
type Reader struct {
	PID    int
	Commit uint64 // that it reads; 0 when it reads nothing now
	// HeldFor is how long ago, at least, the next commit was made: since then the reader
	// keeps pages from being used again. 0 when its commit is the latest, or that is not
	// known.
	HeldFor time.Duration
	Behind  uint64 // commits since
	Held    int64  // pages that could be used again but for it
}

// Readers returns the reader slots in use, the oldest commit first and the idle last.
// The snapshot itself is one of them.
func (s *Snapshot) Readers() ([]Reader, error) {
	e := s.env
	var readers []Reader
	err := s.files.raw.ReaderList(func(line string) error {
		if r, ok := parseReader(line); ok {
			readers = append(readers, r)
		}
		return nil
	})
	if err != nil {
		return nil, e.translate("read "+e.dir, err)
	}
	freed, err := s.freed()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	times := e.times.Read(s.files.id)
	for i := range readers {
		r := &readers[i]
		if r.Commit == 0 || r.Commit >= s.id {
			continue
		}
		r.Behind = s.id - r.Commit
		if made := times.After(r.Commit, s.id); !made.IsZero() {
			r.HeldFor = max(now.Sub(made), 0)
		}
		for _, f := range freed {
			// What the latest commit freed must wait for the next but one in any case.
			if f.commit >= r.Commit && f.commit < s.id {
				r.Held += f.pages
			}
		}
	}
	slices.SortFunc(readers, func(a, b Reader) int {
		// Idle readers have commit 0, which less one is the greatest number.
		switch x, y := a.Commit-1, b.Commit-1; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return a.PID - b.PID
	})
	return readers, nil
}

// parseReader reads a line of LMDB's list: pid, thread, and the commit or "-".
func parseReader(line string) (r Reader, ok bool) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return r, false
	}
	var err error
	if r.PID, err = strconv.Atoi(fields[0]); err != nil {
		return r, false // the line of headings
	}
	if fields[2] != "-" {
		r.Commit, err = strconv.ParseUint(fields[2], 10, 64)
	}
	return r, err == nil
}

// freed is how many pages a commit has set free that are not in use again.
type freed struct {
	commit uint64
	pages  int64
}

// freeList is LMDB's own database of free pages: commits to lists of pages, each a
// count and that many numbers, in the machine's words.
const freeList lmdb.DBI = 0

func (s *Snapshot) freed() (all []freed, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cursor, err := s.txn.OpenCursor(freeList)
	if err != nil {
		return nil, s.env.translate("read "+s.env.dir, err)
	}
	defer cursor.Close()
	for op := uint(lmdb.First); ; op = lmdb.Next {
		key, value, err := cursor.Get(nil, nil, op)
		if lmdb.Is(err, lmdb.NotFound) {
			return all, nil
		}
		if err != nil {
			return nil, s.env.translate("read "+s.env.dir, err)
		}
		if len(key) >= 8 && len(value) >= 8 {
			all = append(all, freed{binary.NativeEndian.Uint64(key), int64(binary.NativeEndian.Uint64(value))})
		}
	}
}
