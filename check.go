package hannoy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/reader/check"
)

// CheckReport is the result of a check: whether all is Sound; the first 1,000 of the
// Problems Found; Pages and Records of the directory; and how many slots are Live,
// and how many of these are Unreachable along links.
type CheckReport = check.Report

// Problem is something that a check found wrong: its Kind (such as "page", "record" or
// "graph"), Where it is, and a Text that says what is wrong.
type Problem = check.Problem

// CheckOptions tunes Check. Nil, or the zero value, is the default.
type CheckOptions struct {
	Index string // the one to check; "": all
	Fast  bool   // only the meta pages, the metadata and the counts: what is read at every Open
}

// Check verifies the indexes of a directory as Index.Check does, and can tell what is
// wrong with files that do not open. Nothing that it has not verified before is read
// through the memory map. It may run beside readers and writers.
//
// In a process that has not opened the directory, it is open read-only until the check
// is done, and an Open for writing meanwhile returns ErrBusy, as beside any other
// read-only Open. Of a directory that is open already, Check uses it as it is open.
//
// What is damaged goes into the report; the error is for a check that could not be
// made: ErrNotFound, ErrNotIndex, ErrVersion.
func Check(ctx context.Context, dir string, opts *CheckOptions) (*CheckReport, error) {
	if opts == nil {
		opts = &CheckOptions{}
	}
	trusting := func(o kv.Options) (*kv.Env, error) { return kv.Open(dir, o) }
	verifying := func(o kv.Options) (*kv.Env, error) { return kv.OpenUntrusted(ctx, dir, o) }
	if opts.Fast {
		verifying = trusting
	}
	env, err := openToRead(verifying)
	var damage *kv.DamageError
	if errors.As(err, &damage) {
		if report := check.ReportOf(&damage.Findings); damage.Damaged > 0 {
			return &report, nil
		}
		// Of sound pages with unsound records, LMDB may be asked.
		env, err = openToRead(trusting)
	}
	switch {
	case errors.Is(err, ErrCorrupt):
		return check.Unreadable(dir, err), nil
	case err != nil:
		return nil, err
	}
	report, err := checkIndexes(ctx, env, opts)
	if errors.Is(err, ErrCorrupt) {
		report, err = check.Unreadable(dir, err), nil
	}
	if err = errors.Join(err, env.Close()); err != nil {
		return nil, err
	}
	return report, nil
}

// openToRead opens an environment for reading, or, if this process has it open for
// writing, that way.
func openToRead(open func(kv.Options) (*kv.Env, error)) (*kv.Env, error) {
	env, err := open(kv.Options{ReadOnly: true})
	if errors.Is(err, ErrBusy) {
		env, err = open(kv.Options{})
	}
	return env, err
}

// checkIndexes checks one index of the environment, or all.
func checkIndexes(ctx context.Context, env *kv.Env, opts *CheckOptions) (*CheckReport, error) {
	names := []string{opts.Index}
	if opts.Index == "" {
		s, err := env.Acquire()
		if err != nil {
			return nil, err
		}
		all, err := s.IndexNames()
		s.Release()
		if err != nil {
			return nil, err
		}
		names = slices.Sorted(maps.Keys(all))
	}
	total := &CheckReport{Sound: true, Problems: []Problem{}}
	for _, name := range names {
		ix, err := open(env, &Options{Index: name}, nil)
		if err != nil {
			return nil, err
		}
		report, err := ix.check(ctx, opts.Fast)
		if err != nil {
			return nil, err
		}
		if len(names) > 1 {
			report.In(fmt.Sprintf("index %q: ", name))
		}
		total.Add(report)
	}
	return total, nil
}

// Check verifies every page and every record of the directory and all that the index
// promises. It reads everything once, beside searches and writers. What is damaged
// goes into the report; the error is for a check that could not be made.
func (ix *Index) Check(ctx context.Context) (*CheckReport, error) { return ix.check(ctx, false) }

// check retries while commits follow so fast that the one of the snapshot is gone
// from the meta pages before they are read.
func (ix *Index) check(ctx context.Context, fast bool) (report *CheckReport, err error) {
	for range 100 {
		err = ix.View(func(s *Snapshot) error {
			if err := s.lease.Enter(); err != nil {
				return err
			}
			defer s.lease.Leave()
			if fast {
				report, err = check.Fast(ctx, s.reader.Index())
			} else {
				report, err = check.All(ctx, s.reader.Index(), s.reader.Kernel())
			}
			return err
		})
		if !errors.Is(err, kv.ErrSuperseded) {
			break
		}
	}
	return report, err
}
