package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"
)

// MaxLabelBytes is the longest label. MaxLabelsBytes is how much all labels of one
// item may take together, a byte for each counted with them: an entry of a block.
const (
	MaxLabelBytes  = 255
	MaxLabelsBytes = maxBlockBytes/BlockSlots - BlockHeadBytes
)

// labelTailBytes is what follows the label in the key of its chunk: a zero byte, so
// that the chunks of a label stand together, and the number of the chunk.
const labelTailBytes = 3

// CheckLabel returns an error for what cannot be a label: labels are text of 1 to
// MaxLabelBytes bytes without control characters.
func CheckLabel(label string) error {
	if len(label) == 0 || len(label) > MaxLabelBytes {
		return fmt.Errorf("label of %d bytes, 1 to %d are allowed", len(label), MaxLabelBytes)
	}
	for _, r := range label {
		if r == utf8.RuneError && !utf8.ValidString(label) {
			return fmt.Errorf("label %q is not valid UTF-8", label)
		}
		if unicode.IsControl(r) {
			return fmt.Errorf("label %q has the control character %U", label, r)
		}
	}
	return nil
}

// AppendLabelKey appends the key of one chunk of a label's slots.
func AppendLabelKey(dst []byte, id IndexID, label string, chunk uint16) []byte {
	return binary.BigEndian.AppendUint16(AppendLabelPrefix(dst, id, label), chunk)
}

// AppendLabelPrefix appends what the keys of all chunks of a label begin with.
func AppendLabelPrefix(dst []byte, id IndexID, label string) []byte {
	return append(append(AppendPrefix(dst, id, KindLabel), label...), 0)
}

// splitLabelKey takes what follows the kind in the key of a label's chunk apart.
func splitLabelKey(rest []byte) (label []byte, chunk uint16, ok bool) {
	n := len(rest) - labelTailBytes
	if n < 1 || rest[n] != 0 || bytes.IndexByte(rest, 0) != n {
		return nil, 0, false
	}
	return rest[:n], binary.BigEndian.Uint16(rest[n+1:]), true
}

// AppendLabels appends the labels of one item, sorted and each once: an entry of a
// block of labels.
//
//	labels x { u8 length, bytes }
func AppendLabels(dst []byte, labels []string) []byte {
	for _, label := range labels {
		dst = append(append(dst, byte(len(label))), label...)
	}
	return dst
}

// ParseLabels reads an entry of a block of labels.
func ParseLabels(key, entry []byte) ([]string, error) {
	var labels []string
	for rest := entry; len(rest) > 0; {
		n := int(rest[0])
		if n >= len(rest) {
			return nil, corruptf(key, "label of %d bytes in the %d that are left", n, len(rest)-1)
		}
		labels = append(labels, string(rest[1:1+n]))
		rest = rest[1+n:]
		if err := CheckLabel(labels[len(labels)-1]); err != nil {
			return nil, corruptf(key, "%v", err)
		}
	}
	if !slices.IsSorted(labels) || len(slices.Compact(slices.Clone(labels))) != len(labels) {
		return nil, corruptf(key, "labels %q are not sorted, each once", labels)
	}
	return labels, nil
}

// LabelsBytes is the length of an entry that holds the labels.
func LabelsBytes(labels []string) int {
	n := len(labels)
	for _, label := range labels {
		n += len(label)
	}
	return n
}
