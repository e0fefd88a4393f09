package operand

import (
	"encoding/json"
	"fmt"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// A JSONHit is an item as vecfile writes it, with its distance.
type JSONHit struct {
	row      *vecfile.Row
	distance float32
	group    string
}

// MarshalJSON is the item's line of JSONL with distance and group added.
func (h JSONHit) MarshalJSON() ([]byte, error) {
	line := h.row.AppendJSON(nil)
	line = fmt.Appendf(line[:len(line)-1], `,"distance":%g}`, h.distance)
	if h.group == "" {
		return line, nil
	}
	group, err := json.Marshal(h.group)
	return fmt.Appendf(line[:len(line)-1], `,"group":%s}`, group), err
}

// JSONHits are the hits of one query.
func JSONHits(style KeyStyle, hits []hannoy.Hit) []JSONHit {
	out := make([]JSONHit, 0, len(hits))
	for _, h := range hits {
		out = append(out, JSONHit{style.Row(hannoy.Item{Key: h.Key, Vector: h.Vector, Bits: h.Bits, Value: h.Value}), h.Distance, h.Group})
	}
	return out
}
