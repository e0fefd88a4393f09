package hannoy

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/reader"
	"github.com/hannoydb/hannoy/writer"
)

// Metric says how the distance of two vectors is measured.
type Metric = distance.Metric

// The metrics. Distances are reported so that smaller is always nearer.
const (
	Euclidean    = distance.Euclidean    // length of the difference (not its square)
	Cosine       = distance.Cosine       // 1 - cos, in [0, 2]; vectors are stored scaled to unit length
	InnerProduct = distance.InnerProduct // minus the inner product
	Manhattan    = distance.Manhattan    // sum of absolute differences
	Hamming      = distance.Hamming      // differing bits; see Batch.PutBits
)

// ParseMetric returns the metric of a name: euclidean, cosine, inner-product,
// manhattan or hamming.
func ParseMetric(name string) (Metric, error) { return distance.ParseMetric(name) }

// Options says which index to open and, if it is to be created, how. Nil opens the
// index "default" that is there.
//
// For an index that exists, the parameters are read from it: those given here that
// contradict them (Dimensions, Metric, VectorType, IDs, Codes, M and so on) give an
// error that wraps ErrMismatch.
type Options struct {
	Index string // name within the directory; "": "default"

	Dimensions int        // numbers per vector, or bits; required to create an index
	Metric     Metric     // 0: Euclidean
	VectorType VectorType // how numbers are stored; 0: F32, and Bits under Hamming
	IDs        bool       // keys are uint32 ids, made by ID, instead of bytes

	Codes   Codes // what searches navigate on
	NoGraph bool  // build none: queries compare with every item, which is exact, and files are smaller; see Alter

	M              int     // links per slot on upper levels, and 2M on level 0; 0: 16
	EfConstruction int     // beam width when linking; 0: 200
	Alpha          float32 // slack of the neighbour choice, at least 1; 0: 1.05
	Seed           uint64  // of levels and insertion order

	AutoBuild *AutoBuild // fold changes into the graph in the background; nil: only Build does

	Logger     *slog.Logger  // told of opens, builds, failures in the background and slow searches; nil: nothing is logged
	SlowSearch time.Duration // searches that take longer are logged, with what they did; 0: none

	ReadOnly   bool  // never write
	MustExist  bool  // do not create the index, whatever else is given
	MapSize    int64 // bytes of address space to reserve; 0: 1 TiB, or what fits
	MaxReaders int   // reader slots of a new lock file; 0: 1,024

	// MaxSnapshotAge bounds how long a View, or a range over items, holds its snapshot after
	// another commit, of whichever process, has made it an old one, so that pages cannot be used
	// again and the file grows. Once it is over, calls that have begun are let finish, the
	// pages are given back, and all further calls on the snapshot give ErrExpired. Builds and compactions
	// are not bounded. The snapshots of other processes can only be reported, to the Logger and by
	// Stats. 0: no bound.
	MaxSnapshotAge time.Duration

	// ReaderGroup is the id of a group whose users may open the index for reading. 0: the
	// files are the owner's alone. To be given whenever the index is opened for writing.
	ReaderGroup int
}

const (
	defaultIndexName      = "default"
	defaultM              = 16
	defaultEfConstruction = 200
	defaultAlpha          = 1.05
)

func (o *Options) name() string {
	if o.Index == "" {
		return defaultIndexName
	}
	return o.Index
}

// meta fills the defaults in and returns the metadata of a new index.
func (o *Options) meta() (*codec.Meta, error) {
	name := o.name()
	if len(name) > codec.MaxIndexNameBytes {
		return nil, fmt.Errorf("%w: index name has %d bytes, at most %d are allowed", ErrInvalid, len(name), codec.MaxIndexNameBytes)
	}
	m := &codec.Meta{
		Metric: uint8(or(o.Metric, Euclidean)), IDs: o.IDs,
		Dimensions: uint32(o.Dimensions),
		M:          uint32(or(o.M, defaultM)), EfConstruction: uint32(or(o.EfConstruction, defaultEfConstruction)),
		Alpha: or(o.Alpha, defaultAlpha), Seed: o.Seed,
		NextRank: 1,
	}
	m.VectorType = uint8(or(o.VectorType, TypeFor(o.Metric)))
	if o.NoGraph {
		m.M = 0
	}
	m.M0 = 2 * m.M
	switch {
	case o.NoGraph && (o.M != 0 || o.Codes == CodesInt8 || o.Codes == CodesBinary):
		return nil, fmt.Errorf("%w: an index without a graph has neither M nor codes", ErrInvalid)
	case int(o.Codes) >= len(codesNames):
		return nil, fmt.Errorf("%w: codes are %v", ErrInvalid, o.Codes)
	case o.M != 0 && (o.M < 2 || o.M > codec.MaxM):
		return nil, fmt.Errorf("%w: M is %d, it must be from 2 to %d", ErrInvalid, o.M, codec.MaxM)
	case o.EfConstruction < 0 || o.EfConstruction > codec.MaxEfConstruction:
		return nil, fmt.Errorf("%w: ef construction is %d, it must be from 1 to %d", ErrInvalid, o.EfConstruction, codec.MaxEfConstruction)
	case !(m.Alpha >= 1 && m.Alpha <= codec.MaxAlpha): // NaN neither
		return nil, fmt.Errorf("%w: alpha is %g, it must be from 1 to %v", ErrInvalid, m.Alpha, codec.MaxAlpha)
	}
	kernel, err := distance.New(Metric(m.Metric), distance.VectorType(m.VectorType), o.Dimensions)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	m.Slab = codec.SlabFor(kernel.RowBytes())
	if typ := o.Codes.vectorType(m); typ != 0 {
		m.Codes, m.AutoCodes = uint8(typ), o.Codes == CodesAuto
		if m.CodeSlab, err = writer.CodeSlabFor(kernel, typ); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// agree returns an error if an option that was given contradicts the metadata.
func (o *Options) agree(m *codec.Meta) error {
	differ := func(what string, given, stored any) error {
		return fmt.Errorf("index %q has %s %v, not %v: %w (leave the option out, or use another index)", o.name(), what, stored, given, ErrMismatch)
	}
	switch {
	case o.Dimensions != 0 && o.Dimensions != int(m.Dimensions):
		return differ("dimensions", o.Dimensions, m.Dimensions)
	case o.Metric != 0 && uint8(o.Metric) != m.Metric:
		return differ("metric", o.Metric, Metric(m.Metric))
	case o.VectorType != 0 && uint8(o.VectorType) != m.VectorType:
		return differ("vector type", o.VectorType, VectorType(m.VectorType))
	case o.IDs && !m.IDs:
		return differ("keys", "ids", "bytes")
	case o.NoGraph && m.HasGraph():
		return fmt.Errorf("index %q has a graph: %w (drop it with Alter)", o.name(), ErrMismatch)
	case o.M != 0 && uint32(o.M) != m.M:
		return differ("M", o.M, m.M)
	case o.EfConstruction != 0 && uint32(o.EfConstruction) != m.EfConstruction:
		return differ("ef construction", o.EfConstruction, m.EfConstruction)
	case o.Alpha != 0 && o.Alpha != m.Alpha:
		return differ("alpha", o.Alpha, m.Alpha)
	case o.Seed != 0 && o.Seed != m.Seed:
		return differ("seed", o.Seed, m.Seed)
	case o.Codes != CodesAuto && uint8(o.Codes.vectorType(m)) != m.WantedCodes():
		return fmt.Errorf("index %q has codes %v, not %v: %w (change them with Alter)", o.name(), codesOf(m.WantedCodes()), o.Codes, ErrMismatch)
	}
	return nil
}

// env returns what the environment needs of the options.
func (o *Options) env() kv.Options {
	return kv.Options{
		Create:       o.Dimensions != 0 && !o.ReadOnly && !o.MustExist,
		ReadOnly:     o.ReadOnly,
		MapSizeBytes: o.MapSize,
		MaxReaders:   o.MaxReaders,
		ReaderGroup:  o.ReaderGroup,
	}
}

// SearchOptions tunes a search. Nil, or the zero value, is the default.
type SearchOptions struct {
	// Ef is the beam width: wider finds more and costs more; 0: as SetEf says, else 100, and never
	// below k.
	// It is a width on average: a search looks at fewer slots for an easy query, at more, up
	// to four times as many, for a hard one.
	Ef     int
	Filter *Filter // which items may be returned; nil: every item
	Exact  bool    // compare with every item that may be returned instead of following links

	// MaxDistance, unless nil, leaves out all items that are farther. Search then returns
	// all that are within it, but k at most: k may be far above Ef, since what a search
	// costs depends on how many there are.
	MaxDistance *float32

	// GroupBy, unless empty, makes a group of the items that have an equal label which begins
	// so: with "doc:" those labelled doc:17. At most PerGroup of a group are returned, the
	// nearest; 0: 1. Items without such a label are not limited. Of several such labels of
	// an item the first counts.
	GroupBy  string
	PerGroup int

	WithValues  bool         // return the items' values with the hits
	WithVectors bool         // return their vectors, as they are stored
	Threads     int          // goroutines of SearchBatch; 0: one per CPU
	Stats       *SearchStats // if not nil, filled with what the search did

	// Progress, unless nil, is called after each query of SearchBatch, and of the exact scans that
	// RecallEstimate and TuneEf begin with and spend most of their time on: by one goroutine at a time.
	Progress func(done, total int)

	heldOut bool // of queries that are items, see reader.Options
}

// check refuses what no search can do.
func (o *SearchOptions) check() error {
	switch {
	case o.Ef < 0 || o.Ef > maxEf:
		return fmt.Errorf("%w: ef is %d, it must be from 1 to %d", ErrInvalid, o.Ef, maxEf)
	case o.PerGroup < 0 || o.PerGroup > 0 && o.GroupBy == "":
		return fmt.Errorf("%w: %d items per group, and the label that groups them begins with %q (set GroupBy)", ErrInvalid, o.PerGroup, o.GroupBy)
	case o.Threads < 0:
		return fmt.Errorf("%w: threads are %d, there must be 1 or more (0: one per CPU)", ErrInvalid, o.Threads)
	case o.MaxDistance != nil && *o.MaxDistance != *o.MaxDistance:
		return fmt.Errorf("%w: the maximal distance is not a number", ErrInvalid)
	}
	if o.GroupBy != "" {
		if err := codec.CheckLabel(o.GroupBy); err != nil {
			return fmt.Errorf("%w: items cannot be grouped by it: %w", ErrInvalid, err)
		}
	}
	return nil
}

// SearchStats says what a search did, and why; its method Explain puts that in words. It
// followed the links of Hops slots and computed Distances, those to Pending items, which no
// build has linked yet, among them. With a filter: the Strategy, how many items are Matches
// (else -1), their Share of those near the query (-1 if it did not matter), how many were
// Sampled to find where to begin, and whether the walk was given up and all Scanned.
type SearchStats = reader.SearchStats

// Strategy is a way in which a search finds the nearest of the items that it may return.
type Strategy = reader.Strategy

// The strategies. A search with a filter chooses the one that is likely to cost least,
// by how many items match and how many of those near the query.
const (
	StrategyBeam   = reader.Beam   // along links; the way of searches without a filter
	StrategyScan   = reader.Scan   // compare with every item that may be returned
	StrategySweep  = reader.Sweep  // along links, over items that match and others alike
	StrategyTwoHop = reader.TwoHop // along links, from match to match over at most one other item
)

// DefaultEf is the width of searches where neither SearchOptions.Ef nor SetEf says
// another.
const DefaultEf = 100

const (
	maxEf = codec.MaxEf
	maxK  = 1 << 20
)

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
