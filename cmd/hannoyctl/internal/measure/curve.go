package measure

import (
	"fmt"
	"io"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// PrintCurve prints the points as a table.
func PrintCurve(out io.Writer, points []Figures) error {
	s := terminal.NewSheet(out)
	s.Row("ef", "threads", "recall", "by key", "queries/s", "per CPU s", "p50 us", "p99 us", "distances")
	for _, p := range points {
		ef := fmt.Sprint(p.Ef)
		if p.Ef == 0 {
			ef = "exact scan"
		}
		s.Row(ef, fmt.Sprint(p.Threads), fmt.Sprintf("%.4f", *p.Recall), fmt.Sprintf("%.4f", *p.RecallByID), terminal.Thousands(int64(p.QPS)), terminal.Thousands(int64(p.QPSCPU)),
			terminal.Thousands(int64(p.P50Micros)), terminal.Thousands(int64(p.P99Micros)), terminal.Thousands(int64(p.DistancesPerQuery)))
	}
	return s.Flush()
}
