package write

import (
	"io"
	"os"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
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
	if info, err := os.Stat(operand.DataFile(ix.Path())); err == nil {
		r.Bytes = info.Size()
	}
	_ = ix.View(func(s *hannoy.Snapshot) error { r.Items = s.Len(); return nil })
}

func (r *buildResult) print(w io.Writer, ix *hannoy.Index) error {
	s := terminal.NewSheet(w)
	s.Line("index", "%s of %s", r.Index, ix.Path())
	s.Line("vectors", "%s dimensions, %s, %s", terminal.Thousands(ix.Dimensions()), ix.Metric(), ix.VectorType())
	s.Line("items", "%s: %s new, %s updated, %s unchanged", terminal.Thousands(r.Items), terminal.Thousands(r.New), terminal.Thousands(r.Updated), terminal.Thousands(r.Unchanged))
	if has, err := ix.HasGraph(); err != nil {
		return err
	} else if has {
		s.Line("graph", "%s linked, %s removed in %s and %s", terminal.Thousands(r.Linked), terminal.Thousands(r.Removed), terminal.Plural(r.Rounds, "round"), terminal.Plural(r.Commits, "commit"))
	} else {
		s.Line("graph", "%s", terminal.NoGraphText)
	}
	s.Line("time", "%.1f s: storing %.1f, building %.1f on %s; %.1f CPU seconds", r.Seconds, r.StoreSeconds, r.BuildSeconds, terminal.Plural(r.Threads, "thread"), r.CPUSeconds)
	if r.Items > 0 {
		s.Line("size", "%s on disk, %s bytes an item", terminal.Bytes(r.Bytes), terminal.Thousands(r.Bytes/int64(r.Items)))
	}
	s.Line("memory", "at most %.0f MiB of its own, %.0f MiB with pages of the file", r.OwnMB, r.RSSMB)
	return s.Flush()
}
