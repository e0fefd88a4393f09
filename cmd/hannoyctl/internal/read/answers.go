package read

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// queryResult is what query --json prints.
type queryResult struct {
	Queries int `json:"queries"`
	K       int `json:"k"`
	measure.Figures
	OpenMillis       float64     `json:"open_ms"`
	FirstQueryMillis float64     `json:"first_query_ms"`
	Results          []queryHits `json:"results,omitempty"`
	Explained        []string    `json:"explained,omitempty"`
}

type queryHits struct {
	Query     int               `json:"query"`
	Hits      []operand.JSONHit `json:"hits"`
	Explained string            `json:"explained,omitempty"` // with --jsonl, where it stands beside the hits
}

func resultsOf(style operand.KeyStyle, found [][]hannoy.Hit) (results []queryHits) {
	for q, hits := range found {
		results = append(results, queryHits{Query: q, Hits: operand.JSONHits(style, hits)})
	}
	return results
}

// show prints the figures, the neighbours, or both, and writes the neighbours to a file.
func (f *queryFlags) show(cmd *cobra.Command, style operand.KeyStyle, found [][]hannoy.Hit, result *queryResult) error {
	if f.out != "" {
		if err := f.write(style, found); err != nil {
			return err
		}
	}
	single := f.File == ""
	out := cmd.OutOrStdout()
	if operand.WantsJSON(cmd) {
		if f.out != "" {
			return operand.PrintJSON(cmd, result)
		}
		if f.hits || single || operand.WantsLines(cmd) {
			result.Results = resultsOf(style, found)
		}
		if operand.WantsLines(cmd) {
			for q, text := range result.Explained {
				result.Results[q].Explained = text
			}
		}
		return operand.PrintRecords(cmd, result, result.Results)
	}
	if f.hits || single {
		printHits(out, style, found, single)
	}
	for q, text := range result.Explained {
		if !single {
			text = fmt.Sprintf("query %d: %s", q, text)
		}
		fmt.Fprintln(out, text)
	}
	if single || f.out == vecfile.Stdin {
		return nil
	}
	return result.print(out)
}

func printHits(out io.Writer, style operand.KeyStyle, found [][]hannoy.Hit, single bool) {
	s := terminal.NewSheet(out)
	for q, hits := range found {
		for _, h := range hits {
			cells := hitCells(style, h)
			if !single {
				cells = append([]string{fmt.Sprint(q)}, cells...)
			}
			s.Row(cells...)
		}
	}
	s.Flush()
}

func hitCells(style operand.KeyStyle, h hannoy.Hit) []string {
	cells := []string{fmt.Sprintf("%.6g", h.Distance), style.Text(h.Key)}
	if h.Group != "" {
		cells = append(cells, h.Group)
	}
	if h.Value != nil {
		cells = append(cells, string(h.Value))
	}
	switch {
	case h.Bits != nil:
		cells = append(cells, fmt.Sprintf("0x%x", h.Bits))
	case h.Vector != nil:
		cells = append(cells, fmt.Sprint(h.Vector))
	}
	return cells
}

// stream prints the neighbours of one query for as long as somebody reads them.
func (f *queryFlags) stream(cmd *cobra.Command, style operand.KeyStyle, s *hannoy.Snapshot, query measure.Point) error {
	out := cmd.OutOrStdout()
	for hit, err := range s.Nearest(cmd.Context(), query.Query(), f.Options()) {
		if err != nil {
			return err
		}
		line := []byte(strings.Join(hitCells(style, hit), "  "))
		if operand.WantsJSON(cmd) {
			if line, err = json.Marshal(operand.JSONHits(style, []hannoy.Hit{hit})[0]); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(out, "%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

func (r *queryResult) print(out io.Writer) error {
	s := terminal.NewSheet(out)
	s.Line("queries", "%s, k %d, ef %d, %s", terminal.Thousands(r.Queries), r.K, r.Ef, terminal.Plural(r.Threads, "thread"))
	if r.Recall != nil {
		s.Line("recall", "%.4f by distance, %.4f by key", *r.Recall, *r.RecallByID)
	}
	s.Line("speed", "%s queries/s, %s per CPU second", terminal.Thousands(int64(r.QPS)), terminal.Thousands(int64(r.QPSCPU)))
	s.Line("latency", "%.0f us median, %.0f us at 99 %%", r.P50Micros, r.P99Micros)
	s.Line("start", "%.1f ms to open, %.1f ms the first query", r.OpenMillis, r.FirstQueryMillis)
	s.Line("work", "%.0f distances and %.0f hops a query", r.DistancesPerQuery, r.HopsPerQuery)
	if r.PendingPerQuery > 0 {
		s.Line("pending", "%.0f items were compared one by one: hannoyctl build links them", r.PendingPerQuery)
	}
	return s.Flush()
}

// write writes the neighbours to --out: ids to ibin and ivecs, results as query --json prints them, one a line, to jsonl.
func (f *queryFlags) write(style operand.KeyStyle, found [][]hannoy.Hit) error {
	format, err := vecfile.FormatOf(f.out)
	if err != nil {
		return terminal.WithHint(terminal.Usagef("--out: %v", err), "name a file that ends in .ibin, .ivecs or .jsonl")
	}
	switch format {
	case vecfile.JSONL:
		return writeLines(f.out, style, found)
	case vecfile.IBin, vecfile.IVecs:
		return writeIDs(f.out, style, found)
	}
	return terminal.WithHint(terminal.Usagef("--out: neighbours are not written as %s", format), "name a file that ends in .ibin, .ivecs or .jsonl")
}

func writeLines(name string, style operand.KeyStyle, found [][]hannoy.Hit) error {
	return writeRows(name, 0, len(found), func(w *vecfile.Writer, q int) error {
		line, err := json.Marshal(queryHits{Query: q, Hits: operand.JSONHits(style, found[q])})
		if err != nil {
			return err
		}
		return w.WriteLine(line)
	})
}

func writeIDs(name string, style operand.KeyStyle, found [][]hannoy.Hit) error {
	ids := make([]uint32, len(found[0]))
	return writeRows(name, len(ids), len(found), func(w *vecfile.Writer, q int) error {
		for i, h := range found[q] {
			id, err := strconv.ParseUint(style.Text(h.Key), 10, 32)
			if err != nil {
				return terminal.WithHint(fmt.Errorf("query %s: key %q is not a number, as %s needs", terminal.Thousands(q), style.Text(h.Key), name),
					"write to a file that ends in .jsonl")
			}
			ids[i] = uint32(id)
		}
		return w.WriteIDs(ids)
	})
}
