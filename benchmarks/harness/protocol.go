package harness

// A program is called as
//
//	bench-SYSTEM describe
//	bench-SYSTEM build --data DIR --metric M --index DIR [flags]
//	bench-SYSTEM query --data DIR --metric M --index DIR [flags]
//
// and prints one JSON object: a Description, a BuildReport or a QueryReport. Failure is
// an exit status other than 0, with the reason on standard error.

// Description says what a system is and what it can do.
type Description struct {
	System  string            `json:"system"`
	Version string            `json:"version"`
	Codes   []string          `json:"codes"`             // kinds of codes to compare, "none" for the vectors themselves
	Metrics []string          `json:"metrics"`           // of euclidean, cosine, hamming
	Cannot  map[string]string `json:"cannot,omitempty"`  // metric, or "metric codes" -> why the system cannot do it
	Threads int               `json:"threads,omitempty"` // most threads that can build; 0: any number
	Unsaved string            `json:"unsaved,omitempty"` // why opening is not opening but building again; "": it is not
	Notes   []string          `json:"notes,omitempty"`   // what a reader of the figures must know
}

// BuildJob is what a build is asked for.
type BuildJob struct {
	Data           string // folder of the data set
	Metric         string
	Index          string // directory to save the index in; it is empty
	Codes          string
	Limit          int // use only so many rows of the base; 0: all
	Threads        int
	M              int
	EfConstruction int
}

// BuildReport says what a build took, from vectors in memory to an index on disk.
type BuildReport struct {
	Items      int     `json:"items"`
	Threads    int     `json:"threads"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
	PeakRSSKB  int64   `json:"peak_rss_kb"`
}

// QueryJob is what a run of queries is asked for.
type QueryJob struct {
	Data    string
	Metric  string
	Index   string
	Codes   string
	Limit   int
	Queries int   // use only so many queries; 0: all
	First   int   // ask so many queries one by one right after opening
	FirstEf int   // ef of those
	Ef      []int // then measure at each ef ...
	Threads []int // ... with each number of threads ...
	Seconds float64
	StartAt int64  // ... beginning at this Unix time in nanoseconds; 0: at once
	Answers string // file for the rows that were found
	K       int
}

// QueryReport is what a run of queries gave.
type QueryReport struct {
	OpenMS      float64   `json:"open_ms"`
	FirstUS     []float64 `json:"first_us"`           // time of each of the first queries
	FirstFaults int64     `json:"first_major_faults"` // pages waited for, from before open to after the last of them
	FirstReadKB int64     `json:"first_read_kb"`      // read from the disk meanwhile, readahead included
	Before      Memory    `json:"memory_before_open"`
	Opened      Memory    `json:"memory_opened"` // after opening and the first queries
	After       Memory    `json:"memory_after"`  // when all is measured
	Curve       []Point   `json:"curve"`
}

// Memory is the resident memory of a process.
type Memory struct {
	RSSKB       int64 `json:"rss_kb"`
	AnonymousKB int64 `json:"anonymous_kb"` // the part that is not pages of files
}

// Point is one measurement of a curve.
type Point struct {
	Ef         int     `json:"ef"`
	Threads    int     `json:"threads"`
	Queries    int     `json:"queries"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"` // of the whole process, garbage collection included
	P50US      float64 `json:"p50_us"`
	P99US      float64 `json:"p99_us"`
}
