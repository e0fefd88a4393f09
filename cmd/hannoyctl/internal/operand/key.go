package operand

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// A KeyStyle turns what a user types into the keys of an index, and back: bytes stand for themselves, uint32 ids are
// written in decimal.
type KeyStyle struct{ IDs bool }

// StyleOf is the style of an index's keys.
func StyleOf(ix *hannoy.Index) KeyStyle { return KeyStyle{ix.IDs()} }

// Parse is the key that a text stands for.
func (k KeyStyle) Parse(text []byte) ([]byte, error) {
	if len(text) == 0 {
		return nil, terminal.WithHint(errors.New("the key is empty"), "a key has 1 to 480 bytes")
	}
	if len(text) > codec.MaxKeyBytes && !k.IDs {
		return nil, fmt.Errorf("%w: key has %d bytes, 1 to %d are allowed", hannoy.ErrInvalid, len(text), codec.MaxKeyBytes)
	}
	if !k.IDs {
		return text, nil
	}
	id, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil {
		return nil, terminal.WithHint(fmt.Errorf("key %q is not an id", text), "the keys of this index are ids: 0 to 4,294,967,295")
	}
	return hannoy.ID(uint32(id)), nil
}

// OfRow is the key of a row without a name of its own: its number.
func (k KeyStyle) OfRow(number int64) ([]byte, error) {
	return k.Parse(strconv.AppendInt(nil, number, 10))
}

// Text is how a key is shown; one that is not text is quoted.
func (k KeyStyle) Text(key []byte) string {
	if id, err := hannoy.ParseID(key); k.IDs && err == nil {
		return strconv.FormatUint(uint64(id), 10)
	}
	for _, r := range string(key) {
		if r == utf8.RuneError || !strconv.IsPrint(r) {
			return strconv.Quote(string(key))
		}
	}
	return string(key)
}

// Row is an item as a line of JSONL.
func (k KeyStyle) Row(item hannoy.Item) *vecfile.Row {
	row := &vecfile.Row{Key: item.Key, Vector: item.Vector, Bits: item.Bits, Value: item.Value, Labels: item.Labels}
	if k.IDs {
		row.Key, row.Numeric = []byte(k.Text(item.Key)), true
	}
	return row
}
