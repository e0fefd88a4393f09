package reader

// LabelCount is a label and the number of items that have it.
type LabelCount struct {
	Label string `json:"label"`
	Items int    `json:"items"`
}

// Labels returns the labels that begin with prefix, sorted, with their counts.
func (r *Reader) Labels(prefix string) ([]LabelCount, error) {
	counts := []LabelCount{}
	err := r.index.EachLabel(prefix, func(label string, items int) {
		counts = append(counts, LabelCount{label, items})
	})
	return counts, err
}
