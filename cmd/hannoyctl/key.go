package main

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// A keyStyle turns what a user types into the keys of an index, and back: bytes stand for themselves, uint32 ids are
// written in decimal.
type keyStyle struct{ ids bool }

func styleOf(ix *hannoy.Index) keyStyle { return keyStyle{ix.IDs()} }

func (k keyStyle) parse(text []byte) ([]byte, error) {
	if len(text) == 0 {
		return nil, withHint(errors.New("the key is empty"), "a key has 1 to 480 bytes")
	}
	if len(text) > codec.MaxKeyBytes && !k.ids {
		return nil, fmt.Errorf("%w: key has %d bytes, 1 to %d are allowed", hannoy.ErrInvalid, len(text), codec.MaxKeyBytes)
	}
	if !k.ids {
		return text, nil
	}
	id, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil {
		return nil, withHint(fmt.Errorf("key %q is not an id", text), "the keys of this index are ids: 0 to 4,294,967,295")
	}
	return hannoy.ID(uint32(id)), nil
}

// ofRow is the key of a row without a name of its own: its number.
func (k keyStyle) ofRow(number int64) ([]byte, error) {
	return k.parse(strconv.AppendInt(nil, number, 10))
}

// text is how a key is shown; one that is not text is quoted.
func (k keyStyle) text(key []byte) string {
	if id, err := hannoy.ParseID(key); k.ids && err == nil {
		return strconv.FormatUint(uint64(id), 10)
	}
	for _, r := range string(key) {
		if r == utf8.RuneError || !strconv.IsPrint(r) {
			return strconv.Quote(string(key))
		}
	}
	return string(key)
}

// row is an item as a line of JSONL.
func (k keyStyle) row(item hannoy.Item) *vecfile.Row {
	row := &vecfile.Row{Key: item.Key, Vector: item.Vector, Bits: item.Bits, Value: item.Value, Labels: item.Labels}
	if k.ids {
		row.Key, row.Numeric = []byte(k.text(item.Key)), true
	}
	return row
}
