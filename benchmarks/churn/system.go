package main

// system is an index under churn. It is asked in turn, by one goroutine.
type system interface {
	// apply takes rows out and puts others in, and links them.
	apply(remove, insert []int32) (cost, error)
	// search finds the k nearest rows of each query, and the mean number of distances
	// that it took.
	search(ef, k int) (found [][]int32, distances float64, err error)
	inspect() (state, error)
	close() error
}

// cost is what a change took.
type cost struct {
	CommitMS     float64 `json:"commit_ms"`         // until it was durable and visible
	BuildMS      float64 `json:"build_ms"`          // until it was linked
	Distances    uint64  `json:"distances"`         //
	Records      int     `json:"records,omitempty"` // of links, ranks, sets and metadata
	LinkBytes    int64   `json:"bytes,omitempty"`   // of those records
	WrittenBytes int64   `json:"written,omitempty"` // to files, commits included
}

// state is what an index looks like from within.
type state struct {
	MeanDegree  float64 `json:"mean_degree"` // on level 0
	Unreachable int     `json:"unreachable"` // live items that no way leads to from the entry point, on level 0
	Problems    int     `json:"problems"`    // that a check of everything found
	FileBytes   int64   `json:"file_bytes,omitempty"`
	DataBytes   int64   `json:"data_bytes,omitempty"` // of the file, what holds records
}
