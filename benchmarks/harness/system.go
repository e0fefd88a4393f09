package harness

// System is what a program compares.
type System interface {
	Describe() Description
	// Build makes an index of all rows, the key of row i being i, and saves it.
	Build(job *BuildJob, base *Rows) error
	// Open opens a saved index.
	Open(job *QueryJob) (Searcher, error)
}

// Searcher is an open index.
type Searcher interface {
	// SetEf sets the width of the searches that follow. None is running.
	SetEf(ef int) error
	// Search appends the numbers of the k rows nearest to the query. Several
	// goroutines call it at once.
	Search(found []int32, query Vector, k int) ([]int32, error)
	Close() error
}
