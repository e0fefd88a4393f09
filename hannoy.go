package hannoy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/kv/lease"
	"github.com/hannoydb/hannoy/reader"
	"github.com/hannoydb/hannoy/writer"
	"github.com/hannoydb/hannoy/writer/fold"
)

// Index is an open index. It is safe for concurrent use.
type Index struct {
	env    *kv.Env
	id     codec.IndexID
	name   string
	ids    bool
	kernel atomic.Pointer[distance.Kernel] // of the last snapshot; Alter may change metric and type
	last   atomic.Pointer[Snapshot]        // of the latest View
	auto   *fold.Builder                   // nil without Options.AutoBuild
	leases *lease.Limit                    // nil without Options.MaxSnapshotAge
	closed atomic.Bool
	logger *slog.Logger  // nil: none
	slow   time.Duration // searches that take longer are logged; 0: none
}

// ID returns the key of a uint32 id, for indexes with Options.IDs.
func ID(id uint32) []byte { return codec.ID(id) }

// ParseID returns the id whose key is given.
func ParseID(key []byte) (uint32, error) {
	id, err := codec.ParseID(key)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return id, nil
}

// Open opens an index in the directory dir. With Options.Dimensions it creates the
// directory, and the index in it, if they are not there.
//
// Any number of processes may have it open; one writes at a time and the others
// wait for their turn. Within a process, a directory may be opened as often as one
// likes, for this index or others of it, if all opens are read-only or none is.
func Open(dir string, opts *Options) (*Index, error) { return openWith(dir, opts, kv.Open) }

// OpenUntrusted is Open for a file that others could have made or changed: it reads
// all of it and verifies every page and every record before anything is read through
// the memory map, so that whatever the file holds gives an error that wraps
// ErrCorrupt and no crash. It takes as long as reading the file, which ctx bounds;
// that is why it is a function and not an option. What other processes write later
// is trusted. It does not verify the graph as Check does: of a forged graph, answers
// may be poor.
func OpenUntrusted(ctx context.Context, dir string, opts *Options) (*Index, error) {
	return openWith(dir, opts, func(dir string, o kv.Options) (*kv.Env, error) { return kv.OpenUntrusted(ctx, dir, o) })
}

func openWith(dir string, opts *Options, openEnv func(string, kv.Options) (*kv.Env, error)) (*Index, error) {
	if opts == nil {
		opts = &Options{}
	}
	if err := opts.AutoBuild.check(opts.ReadOnly); err != nil {
		return nil, err
	}
	if dir == "" {
		return nil, fmt.Errorf("%w: no directory is named (\".\" is the current one)", ErrInvalid)
	}
	if opts.MaxSnapshotAge < 0 {
		return nil, fmt.Errorf("%w: the age of snapshots is bounded by %s", ErrInvalid, opts.MaxSnapshotAge)
	}
	start := time.Now()
	var fresh *codec.Meta
	if opts.env().Create {
		var err error
		if fresh, err = opts.meta(); err != nil {
			return nil, err
		}
	}
	env, err := openEnv(dir, opts.env())
	if err != nil {
		return nil, err
	}
	ix, err := open(env, opts, fresh)
	if err != nil {
		return nil, errors.Join(err, env.Close())
	}
	ix.log(context.Background(), slog.LevelInfo, "hannoy: opened", "read_only", opts.ReadOnly, "took", time.Since(start))
	if opts.AutoBuild != nil {
		ix.auto = ix.autoBuild(*opts.AutoBuild)
	}
	if opts.MaxSnapshotAge > 0 {
		ix.leases = lease.Start(ix.env, opts.MaxSnapshotAge, ix.warner())
	}
	return ix, nil
}

// open finds the index in the environment, or creates it from fresh if that is not nil.
func open(env *kv.Env, opts *Options, fresh *codec.Meta) (*Index, error) {
	ix := &Index{env: env, name: opts.name(), logger: opts.Logger}
	if opts.Logger != nil {
		ix.slow = opts.SlowSearch
	}
	err := ix.find(opts)
	if !errors.Is(err, ErrNotFound) || fresh == nil {
		return ix, err
	}
	if _, err := writer.Create(context.Background(), env, ix.name, fresh); err != nil {
		return nil, err
	}
	return ix, ix.find(opts)
}

func (ix *Index) find(opts *Options) error {
	s, err := ix.env.Acquire()
	if err != nil {
		return err
	}
	defer s.Release()
	if ix.id, err = s.FindIndex(ix.name); err != nil {
		return err
	}
	x, err := s.Index(ix.id)
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w (%v)", ErrCorrupt, err) // a name without an index
	}
	if err != nil {
		return err
	}
	if err := opts.agree(&x.Meta); err != nil {
		return err
	}
	ix.ids = x.Meta.IDs
	_, err = ix.follow(&x.Meta)
	return err
}

// follow makes the kernel of the metadata that of the index.
func (ix *Index) follow(m *codec.Meta) (*distance.Kernel, error) {
	if k := ix.kernel.Load(); k != nil && k.Metric() == Metric(m.Metric) && k.Type() == VectorType(m.VectorType) {
		return k, nil
	}
	k, err := writer.KernelFor(m)
	if err == nil {
		ix.kernel.Store(k)
	}
	return k, err
}

// followLatest makes the kernel that of the latest commit.
func (ix *Index) followLatest() error {
	m, err := ix.env.Meta(ix.id)
	if err != nil {
		return err
	}
	_, err = ix.follow(m)
	return err
}

// Indexes returns the names of the indexes in a directory, sorted.
func Indexes(dir string) ([]string, error) {
	var names map[string]codec.IndexID
	err := kv.Peek(dir, func(s *kv.Snapshot) (err error) {
		names, err = s.IndexNames()
		return err
	})
	return slices.Sorted(maps.Keys(names)), err
}

// Close closes the index. It waits for running calls, so it must not be called from
// within View or Update. Closing it again does nothing.
func (ix *Index) Close() error {
	if ix.closed.Swap(true) {
		return nil
	}
	if ix.auto != nil {
		ix.auto.Close()
	}
	ix.last.Store(nil)
	err := ix.env.Close()
	if ix.leases != nil {
		ix.leases.Close() // after the last View, which it may have to end
	}
	return err
}

// usable returns an error that wraps ErrClosed once the index was closed. Another
// index may keep the environment open.
func (ix *Index) usable() error {
	if ix.closed.Load() {
		return fmt.Errorf("index %q of %s: %w", ix.name, ix.Path(), ErrClosed)
	}
	return nil
}

// Name is the name of the index within its directory.
func (ix *Index) Name() string { return ix.name }

// Path is the directory of the index.
func (ix *Index) Path() string { return ix.env.Dir() }

// Dimensions is how many numbers, or bits, a vector has.
func (ix *Index) Dimensions() int { return ix.kernel.Load().Dimensions() }

// IDs reports whether the keys of the index are uint32 ids.
func (ix *Index) IDs() bool { return ix.ids }

// Codes is what searches of the index navigate on: CodesNone, CodesInt8 or
// CodesBinary.
func (ix *Index) Codes() (codes Codes, err error) {
	err = ix.View(func(s *Snapshot) error {
		codes = codesOf(s.reader.Index().Meta.Codes)
		return nil
	})
	return codes, err
}

// Metric is the metric of the index.
func (ix *Index) Metric() Metric { return ix.kernel.Load().Metric() }

// View calls fn with a snapshot of the latest commit. All that fn reads through it
// belongs to that commit, whatever others write meanwhile. The snapshot ends when fn returns.
//
// Pages that the snapshot needs cannot be used again while fn runs, so the file
// grows if others write much: keep it short, or take several. Options.MaxSnapshotAge
// bounds it.
func (ix *Index) View(fn func(s *Snapshot) error) error {
	if err := ix.usable(); err != nil {
		return err
	}
	s, err := ix.env.Acquire()
	if err != nil {
		return err
	}
	var l *lease.Lease
	if ix.leases == nil {
		defer s.Release()
		l = lease.Unlimited(s)
	} else {
		l = ix.leases.Grant(s)
	}
	defer l.End()
	view, err := ix.viewOf(s)
	l.Leave()
	if err != nil {
		return err
	}
	return fn(view.under(l))
}

func (ix *Index) viewOf(s *kv.Snapshot) (*Snapshot, error) {
	x, err := s.Index(ix.id)
	if err != nil {
		return nil, err
	}
	return ix.snapshot(x)
}

// snapshot returns the Snapshot over x: the one of the last call, if nothing was
// committed since.
func (ix *Index) snapshot(x *kv.Index) (*Snapshot, error) {
	if last := ix.last.Load(); last != nil && last.reader.Index() == x {
		return last, nil
	}
	kernel, err := ix.follow(&x.Meta)
	if err != nil {
		return nil, err
	}
	r, err := reader.New(x, kernel)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{index: ix, reader: r}
	ix.last.Store(s)
	return s, nil
}

// Stats returns the figures of the index.
func (ix *Index) Stats() (stats *Stats, err error) {
	err = ix.View(func(s *Snapshot) error {
		stats, err = s.Stats()
		return err
	})
	return stats, err
}
