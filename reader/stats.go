package reader

import (
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
)

// IndexStats are the figures of an index.
type IndexStats struct {
	Items          int                 `json:"items"`           // live and pending
	Pending        int                 `json:"pending"`         // compared one by one until a build links them
	Dead           int                 `json:"dead"`            // deleted or replaced, links await repair
	Free           int                 `json:"free"`            // slots that may be used again
	Dimensions     int                 `json:"dimensions"`      // numbers per vector, or bits
	Metric         distance.Metric     `json:"metric"`          //
	VectorType     distance.VectorType `json:"vector_type"`     //
	Codes          string              `json:"codes"`           // codes that searches navigate on
	Keys           string              `json:"keys"`            // "bytes" or "ids"
	Graph          bool                `json:"graph"`           // without one, queries compare with every item
	M              int                 `json:"m"`               //
	M0             int                 `json:"m0"`              //
	EfConstruction int                 `json:"ef_construction"` //
	Ef             int                 `json:"ef"`              // of searches that do not say theirs; 0: not set
	Alpha          float32             `json:"alpha"`           //
	Seed           uint64              `json:"seed"`            //
	Sequence       uint64              `json:"sequence"`        // batches committed
	GraphSequence  uint64              `json:"graph_sequence"`  // batches that the graph covers
	Levels         []LevelStats        `json:"levels"`          // from 0 up
	EntryPoints    []uint32            `json:"entry_points"`    // slots
	Bytes          ByteStats           `json:"bytes"`           //
	Readers        int                 `json:"readers"`         // reader slots in use
	MaxReaders     int                 `json:"max_readers"`     // reader slots
	Held           []HeldSnapshot      `json:"held"`            // the oldest first
}

// HeldSnapshot is a snapshot of an earlier commit that some process reads, so that the
// pages that were in use then cannot be used again: the file grows meanwhile, if others
// write.
type HeldSnapshot struct {
	PID     int     `json:"pid"`
	Commits uint64  `json:"commits"` // made since
	Seconds float64 `json:"seconds"` // since the first of them, at least; 0 when that is not known
	Bytes   int64   `json:"bytes"`   // of pages that could be used again but for it
}

// LevelStats are the figures of one level of the graph.
type LevelStats struct {
	Slots      int     `json:"slots"`
	Links      int     `json:"links"`
	MeanDegree float64 `json:"mean_degree"`
	MaxDegree  int     `json:"max_degree"`
	Degrees    []int   `json:"degrees"` // how many slots have as many links as the position says
}

// ByteStats says what the bytes of the environment are used for. The kinds are
// bytes of keys and values of this index; pages that are not full, and other
// indexes, make up the rest of the file.
type ByteStats struct {
	File    int64 `json:"file"`    // the data file
	Data    int64 `json:"data"`    // pages in use, of all indexes
	Free    int64 `json:"free"`    // pages that hold nothing
	Held    int64 `json:"held"`    // those of them that readers keep from being used again
	Vectors int64 `json:"vectors"` //
	Codes   int64 `json:"codes"`   //
	Links   int64 `json:"links"`   // with ranks
	Keys    int64 `json:"keys"`    // both directions
	Values  int64 `json:"values"`  //
	Sets    int64 `json:"sets"`    //
	Labels  int64 `json:"labels"`  // both directions
	Meta    int64 `json:"meta"`    //
}

// Stats reads every record of the index once.
func (r *Reader) Stats() (*IndexStats, error) {
	m := &r.index.Meta
	s := &IndexStats{
		Items: m.Len(), Pending: m.Unlinked(), Graph: m.HasGraph(), Dead: int(m.Dead), Free: int(m.Free),
		Dimensions: int(m.Dimensions), Metric: distance.Metric(m.Metric), VectorType: distance.VectorType(m.VectorType),
		Codes: "none", Keys: "bytes",
		M: int(m.M), M0: int(m.M0), EfConstruction: int(m.EfConstruction), Ef: int(m.Ef), Alpha: m.Alpha, Seed: m.Seed,
		Sequence: m.Sequence, GraphSequence: m.GraphSequence,
		Levels: make([]LevelStats, len(m.Roots)), EntryPoints: []uint32{},
	}
	if m.IDs {
		s.Keys = "ids"
	}
	switch distance.VectorType(m.Codes) {
	case distance.I8:
		s.Codes = "int8"
	case distance.Bits:
		s.Codes = "binary"
	}
	if n := len(m.Roots); n > 0 {
		s.EntryPoints = append(s.EntryPoints, m.Roots[n-1])
	}
	prefix := codec.AppendPrefix(nil, r.index.ID(), 0)[:2]
	err := r.index.Snapshot().ScanUnverified(prefix, func(key, value []byte) error {
		p, err := codec.ParseKey(key)
		if err != nil {
			return err
		}
		*s.Bytes.of(p.Kind) += int64(len(key) + len(value))
		if p.Kind == codec.KindLinks && (p.Level > 0 || p.Edition == m.Edition) {
			return s.countLinks(p, key, value)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range s.Levels {
		if l := &s.Levels[i]; l.Slots > 0 {
			l.MeanDegree = float64(l.Links) / float64(l.Slots)
		}
	}
	return s, r.environment(s)
}

// of returns the counter that records of the kind add to.
func (b *ByteStats) of(kind codec.Kind) *int64 {
	switch kind {
	case codec.KindVectors:
		return &b.Vectors
	case codec.KindCodes, codec.KindMean:
		return &b.Codes
	case codec.KindLinks, codec.KindRank:
		return &b.Links
	case codec.KindSlot, codec.KindIDSlot, codec.KindKey, codec.KindSlotID:
		return &b.Keys
	case codec.KindValue:
		return &b.Values
	case codec.KindSet:
		return &b.Sets
	case codec.KindLabel, codec.KindLabels:
		return &b.Labels
	}
	return &b.Meta
}

// countLinks adds the lists of one block to the figures of its level.
func (s *IndexStats) countLinks(p codec.ParsedKey, key, value []byte) error {
	if p.Level >= len(s.Levels) {
		return nil
	}
	lists, err := codec.BlockLists(nil, p.Level, key, value)
	if err != nil {
		return err
	}
	level := &s.Levels[p.Level]
	for _, e := range lists {
		links, err := codec.ReadList(make([]uint32, 0, 64), e.List)
		if err != nil {
			return err
		}
		level.Slots++
		level.Links += len(links)
		level.MaxDegree = max(level.MaxDegree, len(links))
		for len(level.Degrees) <= len(links) {
			level.Degrees = append(level.Degrees, 0)
		}
		level.Degrees[len(links)]++
	}
	return nil
}

// environment fills in the figures that belong to the whole directory.
func (r *Reader) environment(s *IndexStats) error {
	usage, err := r.index.Snapshot().Usage()
	if err != nil {
		return err
	}
	const metaPages = 2
	s.Bytes.File = usage.Pages * usage.PageBytes
	s.Bytes.Data = (usage.TreePages + metaPages) * usage.PageBytes
	s.Bytes.Free = s.Bytes.File - s.Bytes.Data
	s.MaxReaders = usage.MaxReaders
	readers, err := r.index.Snapshot().Readers()
	if err != nil {
		return err
	}
	s.Readers = len(readers)
	s.Held = []HeldSnapshot{}
	for _, held := range readers {
		if held.Behind > 0 {
			bytes := held.Held * usage.PageBytes
			s.Held = append(s.Held, HeldSnapshot{PID: held.PID, Commits: held.Behind, Seconds: held.HeldFor.Seconds(), Bytes: bytes})
			s.Bytes.Held = max(s.Bytes.Held, bytes)
		}
	}
	return nil
}
