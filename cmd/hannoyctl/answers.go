package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// queryResult is what query --json prints.
type queryResult struct {
	Queries int `json:"queries"`
	K       int `json:"k"`
	figures
	OpenMillis       float64     `json:"open_ms"`
	FirstQueryMillis float64     `json:"first_query_ms"`
	Results          []queryHits `json:"results,omitempty"`
	Explained        []string    `json:"explained,omitempty"`
}

type queryHits struct {
	Query int       `json:"query"`
	Hits  []jsonHit `json:"hits"`
}

// A jsonHit is an item as vecfile writes it, with its distance.
type jsonHit struct {
	row      *vecfile.Row
	distance float32
	group    string
}

func (h jsonHit) MarshalJSON() ([]byte, error) {
	line := h.row.AppendJSON(nil)
	line = fmt.Appendf(line[:len(line)-1], `,"distance":%g}`, h.distance)
	if h.group == "" {
		return line, nil
	}
	group, err := json.Marshal(h.group)
	return fmt.Appendf(line[:len(line)-1], `,"group":%s}`, group), err
}

func jsonHits(style keyStyle, hits []hannoy.Hit) []jsonHit {
	out := make([]jsonHit, 0, len(hits))
	for _, h := range hits {
		out = append(out, jsonHit{style.row(hannoy.Item{Key: h.Key, Vector: h.Vector, Bits: h.Bits, Value: h.Value}), h.Distance, h.Group})
	}
	return out
}

// show prints the figures, the neighbours, or both, and writes the neighbours to a file.
func (f *queryFlags) show(cmd *cobra.Command, style keyStyle, found [][]hannoy.Hit, result *queryResult) error {
	if f.out != "" {
		if err := f.write(style, found); err != nil {
			return err
		}
	}
	single := f.file == ""
	out := cmd.OutOrStdout()
	if wantsJSON(cmd) {
		if (f.hits || single) && f.out == "" {
			for q, hits := range found {
				result.Results = append(result.Results, queryHits{q, jsonHits(style, hits)})
			}
		}
		return printJSON(out, result)
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

func printHits(out io.Writer, style keyStyle, found [][]hannoy.Hit, single bool) {
	s := newSheet(out)
	for q, hits := range found {
		for _, h := range hits {
			cells := hitCells(style, h)
			if !single {
				cells = append([]string{fmt.Sprint(q)}, cells...)
			}
			s.row(cells...)
		}
	}
	s.flush()
}

func hitCells(style keyStyle, h hannoy.Hit) []string {
	cells := []string{fmt.Sprintf("%.6g", h.Distance), style.text(h.Key)}
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
func (f *queryFlags) stream(cmd *cobra.Command, style keyStyle, s *hannoy.Snapshot, query point) error {
	out := cmd.OutOrStdout()
	for hit, err := range s.Nearest(cmd.Context(), query.query(), f.options()) {
		if err != nil {
			return err
		}
		line := []byte(strings.Join(hitCells(style, hit), "  "))
		if wantsJSON(cmd) {
			if line, err = json.Marshal(jsonHits(style, []hannoy.Hit{hit})[0]); err != nil {
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
	s := newSheet(out)
	s.line("queries", "%s, k %d, ef %d, %s", thousands(r.Queries), r.K, r.Ef, plural(r.Threads, "thread"))
	if r.Recall != nil {
		s.line("recall", "%.4f by distance, %.4f by key", *r.Recall, *r.RecallByID)
	}
	s.line("speed", "%s queries/s, %s per CPU second", thousands(int64(r.QPS)), thousands(int64(r.QPSCPU)))
	s.line("latency", "%.0f us median, %.0f us at 99 %%", r.P50Micros, r.P99Micros)
	s.line("start", "%.1f ms to open, %.1f ms the first query", r.OpenMillis, r.FirstQueryMillis)
	s.line("work", "%.0f distances and %.0f hops a query", r.DistancesPerQuery, r.HopsPerQuery)
	if r.PendingPerQuery > 0 {
		s.line("pending", "%.0f items were compared one by one: hannoyctl build links them", r.PendingPerQuery)
	}
	return s.flush()
}

// write writes the neighbours to --out: ids to ibin and ivecs, results as query --json prints them, one a line, to jsonl.
func (f *queryFlags) write(style keyStyle, found [][]hannoy.Hit) error {
	format, err := vecfile.FormatOf(f.out)
	if err != nil {
		return withHint(usagef("--out: %v", err), "name a file that ends in .ibin, .ivecs or .jsonl")
	}
	switch format {
	case vecfile.JSONL:
		return writeLines(f.out, style, found)
	case vecfile.IBin, vecfile.IVecs:
		return writeIDs(f.out, style, found)
	}
	return withHint(usagef("--out: neighbours are not written as %s", format), "name a file that ends in .ibin, .ivecs or .jsonl")
}

func writeLines(name string, style keyStyle, found [][]hannoy.Hit) error {
	return writeRows(name, 0, len(found), func(w *vecfile.Writer, q int) error {
		line, err := json.Marshal(queryHits{q, jsonHits(style, found[q])})
		if err != nil {
			return err
		}
		return w.WriteLine(line)
	})
}

func writeIDs(name string, style keyStyle, found [][]hannoy.Hit) error {
	ids := make([]uint32, len(found[0]))
	return writeRows(name, len(ids), len(found), func(w *vecfile.Writer, q int) error {
		for i, h := range found[q] {
			id, err := strconv.ParseUint(style.text(h.Key), 10, 32)
			if err != nil {
				return withHint(fmt.Errorf("query %s: key %q is not a number, as %s needs", thousands(q), style.text(h.Key), name),
					"write to a file that ends in .jsonl")
			}
			ids[i] = uint32(id)
		}
		return w.WriteIDs(ids)
	})
}
