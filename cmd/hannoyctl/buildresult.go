package main

import (
	"io"
	"os"
	"path/filepath"

	"github.com/hannoydb/hannoy"
)

// buildResult is what build --json prints.
type buildResult struct {
	Index          string  `json:"index"`
	Items          int     `json:"items"`
	New            int64   `json:"new"`
	Updated        int64   `json:"updated"`
	Unchanged      int64   `json:"unchanged"`
	Skipped        int64   `json:"skipped"` // bad rows
	Linked         int     `json:"linked"`
	Removed        int     `json:"removed"`
	Threads        int     `json:"threads"`
	Seconds        float64 `json:"seconds"`
	StoreSeconds   float64 `json:"store_seconds"`
	BuildSeconds   float64 `json:"build_seconds"`
	CPUSeconds     float64 `json:"cpu_seconds"`
	Rounds         int     `json:"rounds"`
	Commits        int     `json:"commits"`
	RecordsWritten int     `json:"records_written"`
	BytesWritten   int64   `json:"bytes_written"`
	Distances      uint64  `json:"distances"`
	Bytes          int64   `json:"bytes"` // of the data file
	RSSMB          float64 `json:"rss_mb"`
	StoreOwnMB     float64 `json:"store_own_mb,omitempty"` // peak without the memory map, until all is stored
	OwnMB          float64 `json:"own_mb,omitempty"`       // and until the end
}

func (r *buildResult) describe(ix *hannoy.Index, built *hannoy.BuildReport) {
	r.Index = ix.Name()
	r.Linked, r.Removed, r.Threads = built.Linked, built.Removed, built.Threads
	r.Rounds, r.Commits, r.RecordsWritten = built.Rounds, built.Commits, built.RecordsWritten
	r.BytesWritten, r.Distances = built.BytesWritten, built.Distances
	if info, err := os.Stat(dataFile(ix.Path())); err == nil {
		r.Bytes = info.Size()
	}
	_ = ix.View(func(s *hannoy.Snapshot) error { r.Items = s.Len(); return nil })
}

// dataFile is where LMDB keeps the records.
func dataFile(dir string) string { return filepath.Join(dir, "data.mdb") }

func (r *buildResult) print(w io.Writer, ix *hannoy.Index) error {
	s := newSheet(w)
	s.line("index", "%s of %s", r.Index, ix.Path())
	s.line("vectors", "%s dimensions, %s, %s", thousands(ix.Dimensions()), ix.Metric(), ix.VectorType())
	s.line("items", "%s: %s new, %s updated, %s unchanged", thousands(r.Items), thousands(r.New), thousands(r.Updated), thousands(r.Unchanged))
	if has, err := ix.HasGraph(); err != nil {
		return err
	} else if has {
		s.line("graph", "%s linked, %s removed in %s and %s", thousands(r.Linked), thousands(r.Removed), plural(r.Rounds, "round"), plural(r.Commits, "commit"))
	} else {
		s.line("graph", "%s", noGraphText)
	}
	s.line("time", "%.1f s: storing %.1f, building %.1f on %s; %.1f CPU seconds", r.Seconds, r.StoreSeconds, r.BuildSeconds, plural(r.Threads, "thread"), r.CPUSeconds)
	if r.Items > 0 {
		s.line("size", "%s on disk, %s bytes an item", byteText(r.Bytes), thousands(r.Bytes/int64(r.Items)))
	}
	s.line("memory", "at most %.0f MiB of its own, %.0f MiB with pages of the file", r.OwnMB, r.RSSMB)
	return s.flush()
}
