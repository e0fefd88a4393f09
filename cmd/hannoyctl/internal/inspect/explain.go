package inspect

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
)

// explainRecord prints a record byte range by byte range, as FORMAT.md lays it out. Damaged records are explained as
// far as they make sense.
func explainRecord(out io.Writer, key, value []byte, meta *codec.Meta) {
	fmt.Fprintf(out, "%s\nkey    %x\nvalue  %s bytes\n\n", codec.FormatKey(key), key, terminal.Thousands(len(value)))
	x := &explanation{value: value, meta: meta}
	x.sum(key)
	if p, err := codec.ParseKey(key); err == nil {
		x.body(p, key)
	}
	if len(x.rest()) > 0 {
		x.take(len(x.rest()), "not explained")
	}
	s := terminal.NewSheet(out)
	s.Row("offset", "size", "bytes", "meaning")
	for _, line := range x.lines {
		s.Row(line...)
	}
	s.Flush()
}

// An explanation is a walk over a value.
type explanation struct {
	value []byte
	meta  *codec.Meta // of the record's index; nil when that is not known
	at    int
	lines [][]string
}

func (x *explanation) rest() []byte { return x.value[x.at:] }

// peek copies the next n bytes, zeros standing for those that a truncated value lacks.
func (x *explanation) peek(n int) []byte {
	b := make([]byte, n)
	copy(b, x.rest())
	return b
}

// take explains the next n bytes, or as many as there are.
func (x *explanation) take(n int, format string, args ...any) {
	n = min(n, len(x.rest()))
	b := x.rest()[:n]
	shown := hex.EncodeToString(b[:min(n, 12)])
	if n > 12 {
		shown += ".."
	}
	x.lines = append(x.lines, []string{fmt.Sprint(x.at), fmt.Sprint(n), shown, fmt.Sprintf(format, args...)})
	x.at += n
}

// number explains the next bytes as one little-endian number and returns it.
func (x *explanation) number(bytes int, name string) uint64 {
	v := binary.LittleEndian.Uint64(append(x.peek(bytes), make([]byte, 8-bytes)...))
	x.take(bytes, "%s: %d", name, v)
	return v
}

func (x *explanation) sum(key []byte) {
	state := "sound"
	if _, err := codec.Open(key, x.value); err != nil {
		state = "DAMAGED: " + err.Error()
	}
	x.take(codec.SumBytes, "checksum, CRC-32C of key and body: %s", state)
}

func (x *explanation) body(p codec.ParsedKey, key []byte) {
	switch p.Kind {
	case codec.KindSuperblock:
		x.take(8, "magic %q", x.peek(8))
		x.number(4, "format version")
		x.number(4, "bytes of a page")
		x.take(4, "byte order mark")
		x.number(8, "digest of all other records")
	case codec.KindName:
		x.number(4, "id of the index")
	case codec.KindSlot:
		x.number(4, "slot")
	case codec.KindMeta:
		x.parameters()
	case codec.KindIDSlot:
		x.flat(p, key, "id", "slot")
	case codec.KindSlotID:
		x.flat(p, key, "slot", "id")
	case codec.KindRank:
		x.flat(p, key, "slot", "rank")
	case codec.KindKey:
		x.block(p, key, func(slot uint64, entry []byte) { x.take(len(entry), "key of slot %d: %q", slot, entry) })
	case codec.KindSet, codec.KindLabel:
		x.set(p, key)
	case codec.KindLabels:
		x.block(p, key, func(slot uint64, entry []byte) {
			labels, err := codec.ParseLabels(key, entry)
			x.take(len(entry), "labels of slot %d: %q%s", slot, labels, problem(err))
		})
	case codec.KindValue:
		x.take(len(x.rest()), "the user's value: %q", x.rest())
	case codec.KindVectors, codec.KindCodes:
		x.slab(p)
	case codec.KindMean:
		x.take(len(x.rest()), "mean of the vectors: %s", x.floats())
	case codec.KindLinks:
		if p.Level > 0 {
			x.tower(p, key)
			return
		}
		x.block(p, key, x.list)
	}
}

func problem(err error) string {
	if err == nil {
		return ""
	}
	return ": DAMAGED: " + err.Error()
}

func (x *explanation) parameters() {
	x.take(1, "metric: %s", hannoy.Metric(x.peek(1)[0]))
	x.number(1, "vector type (1 f32, 2 f16, 3 int8, 4 bits)")
	x.number(1, "keys are ids")
	levels := x.number(1, "levels")
	for _, name := range []string{"dimensions", "m", "m0", "ef construction", "ef of searches, 0 if not set"} {
		x.number(4, name)
	}
	x.take(4, "alpha: %g", math.Float32frombits(binary.LittleEndian.Uint32(x.peek(4))))
	x.number(8, "seed")
	x.number(4, "rows of a slab of vectors")
	x.number(4, "bytes of a row")
	x.number(1, "type of the codes (0 none, 3 int8, 4 bits)")
	x.number(1, "builds choose them")
	x.number(2, "0")
	for _, name := range []string{"rows of a slab of codes", "bytes of a row", "next slot", "next rank", "live slots", "pending slots", "dead slots", "free slots", "next free"} {
		x.number(4, name)
	}
	x.take(4, "spread: %g", math.Float32frombits(binary.LittleEndian.Uint32(x.peek(4))))
	x.number(4, "slots that may be linked or removed until it is taken anew")
	x.number(4, "edition of the links of level 0")
	longest := x.number(4, "slots of the longest vectors, under inner product")
	x.number(8, "sequence")
	x.number(8, "graph sequence")
	for level := range levels {
		x.number(4, fmt.Sprintf("root of level %d: slot", level))
	}
	for range longest {
		x.number(4, "slot of one of the longest vectors")
	}
}

func (x *explanation) flat(p codec.ParsedKey, key []byte, from, to string) {
	f, err := codec.ParseFlat(key, x.rest())
	x.take(codec.FlatSpan/8, "which %ss of %d on have a %s%s", from, uint64(p.Number)*codec.FlatSpan, to, problem(err))
	if err != nil {
		return
	}
	for i := range uint32(codec.FlatSpan) {
		if _, ok := f.Get(i); ok {
			x.number(4, fmt.Sprintf("%s of %s %d", to, from, uint64(p.Number)*codec.FlatSpan+uint64(i)))
		}
	}
}

func (x *explanation) block(p codec.ParsedKey, key []byte, entry func(slot uint64, entry []byte)) {
	err := codec.VerifyBlock(key, x.value)
	x.take(2*codec.BlockSlots, "ends of the %d entries%s", codec.BlockSlots, problem(err))
	if err != nil {
		return
	}
	for i := range uint32(codec.BlockSlots) {
		if e := codec.BlockEntry(x.value, i); len(e) > 0 {
			entry(uint64(p.Number)*codec.BlockSlots+uint64(i), e)
		}
	}
}

func (x *explanation) tower(p codec.ParsedKey, key []byte) {
	entries, err := codec.ParseTowerBlock(nil, key, x.value)
	x.take(2, "entries, less one: %d%s", len(entries)-1, problem(err))
	x.number(2, "zero")
	if err != nil {
		return
	}
	for _, e := range entries {
		x.take(8, "slot %d within the block, zero, end of its list", e.Slot)
	}
	for _, e := range entries {
		x.list(firstSlot(p)+uint64(e.Slot), e.List)
	}
}

func (x *explanation) set(p codec.ParsedKey, key []byte) {
	set, err := codec.ParseSet(key, x.rest(), uint16(p.Number))
	if err != nil {
		x.take(len(x.rest()), "slots%s", problem(err))
		return
	}
	x.take(len(x.rest()), "%d slots, as a portable roaring bitmap: %s", set.GetCardinality(), set)
}

// firstSlot is the first slot of a block of links above level 0.
func firstSlot(p codec.ParsedKey) uint64 { return uint64(p.Number) << codec.TowerShift(p.Level) }

func (x *explanation) list(slot uint64, list []byte) {
	slots, err := codec.ReadList(nil, list)
	x.take(len(list), "%d links of slot %d: %s%s", len(slots), slot, strings.Trim(fmt.Sprint(slots), "[]"), problem(err))
}

func (x *explanation) slab(p codec.ParsedKey) {
	rows, stride := x.number(4, "rows"), x.number(4, "bytes of a row")
	x.number(2, "index")
	x.number(1, "kind")
	x.number(1, "zero")
	x.number(4, "slab")
	x.number(4, "zero")
	x.number(8, "sequence of the batch that wrote it")
	x.take(16, "zeros")
	x.take(codec.SlabHeaderBytes-x.at, "CRC-32C of each piece, and zeros so that rows begin on a cache line")
	for row := range rows {
		if len(x.rest()) == 0 {
			return
		}
		x.take(int(stride), "slot %d%s", uint64(p.Number)*uint64(rows)+uint64(row), x.numbers(p))
	}
	x.take(len(x.rest()), "CRC-32C of each piece, again")
}

// numbers are the first numbers of the row that comes, if it is a stored vector of numbers.
func (x *explanation) numbers(p codec.ParsedKey) string {
	if p.Kind != codec.KindVectors || x.meta == nil || hannoy.VectorType(x.meta.VectorType) == hannoy.Bits {
		return ""
	}
	typ := hannoy.VectorType(x.meta.VectorType)
	kernel, err := distance.New(hannoy.Metric(x.meta.Metric), typ, int(x.meta.Dimensions))
	if err != nil || len(x.rest()) < kernel.RowBytes() {
		return ""
	}
	return ": as " + typ.String() + numberText(kernel.Vector(nil, x.rest()))
}

// floats are the first numbers of what comes, which is f32 in little-endian order.
func (x *explanation) floats() string {
	first := x.peek(16)
	var v [4]float32
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(first[4*i:]))
	}
	return "as f32" + numberText(v[:])
}

func numberText(v []float32) string {
	var text strings.Builder
	for _, x := range v[:min(len(v), 4)] {
		fmt.Fprintf(&text, " %g", x)
	}
	return text.String() + " .."
}
