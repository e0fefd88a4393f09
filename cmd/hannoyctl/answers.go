package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

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
	w, err := vecfile.Create(name, &vecfile.WriterOptions{Rows: -1})
	if err != nil {
		return err
	}
	defer w.Abort()
	for q, hits := range found {
		line, err := json.Marshal(queryHits{q, jsonHits(style, hits)})
		if err != nil {
			return err
		}
		if err := w.WriteLine(line); err != nil {
			return err
		}
	}
	return w.Close()
}

func writeIDs(name string, style keyStyle, found [][]hannoy.Hit) error {
	k := len(found[0])
	w, err := vecfile.Create(name, &vecfile.WriterOptions{Dimensions: k, Rows: int64(len(found))})
	if err != nil {
		return err
	}
	defer w.Abort()
	ids := make([]uint32, k)
	for q, hits := range found {
		for i, h := range hits {
			id, err := strconv.ParseUint(style.text(h.Key), 10, 32)
			if err != nil {
				return withHint(fmt.Errorf("query %s: key %q is not a number, as %s needs", thousands(q), style.text(h.Key), name),
					"write to a file that ends in .jsonl")
			}
			ids[i] = uint32(id)
		}
		if err := w.WriteIDs(ids[:len(hits)]); err != nil {
			return err
		}
	}
	return w.Close()
}
