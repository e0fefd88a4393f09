package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// rowsOf returns the rows of the first table below a heading of FORMAT.md, without its head.
func rowsOf(t *testing.T, heading string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile("../FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, below, ok := strings.Cut(string(text), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("FORMAT.md has no heading %q", heading)
	}
	for line := range strings.Lines(below) {
		if strings.HasPrefix(line, "|") {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		} else if len(rows) > 0 {
			break
		}
	}
	return rows[2:]
}

// FORMAT.md has the kinds that there are, in key order.
func TestFormatOfKeys(t *testing.T) {
	text, err := os.ReadFile("../FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	last, n := Kind(0), 0
	for _, row := range regexp.MustCompile("(?m)^\\| `([0-9a-f]{2})` \\| (\\w+) \\|").FindAllStringSubmatch(string(text), -1) {
		number, _ := strconv.ParseUint(row[1], 16, 8)
		kind := Kind(number)
		if kind.String() != row[2] || kind <= last {
			t.Errorf("kind %s is %q behind %q, FORMAT.md says %q", row[1], kind, last, row[2])
		}
		last, n = kind, n+1
	}
	if n != len(kindNames) {
		t.Errorf("FORMAT.md has %d kinds of %d", n, len(kindNames))
	}
	if !strings.Contains(string(text), fmt.Sprintf("Format version **%d**", FormatVersion)) {
		t.Errorf("FORMAT.md is not of version %d", FormatVersion)
	}
}

// The metadata and the header of a slab lie where FORMAT.md says.
func TestFormatOfFields(t *testing.T) {
	m := &Meta{
		Metric: 1, VectorType: 2, IDs: true, Dimensions: 3, M: 4, M0: 5, EfConstruction: 6, Ef: 7, Alpha: 8, Seed: 9,
		Slab: Slab{10, 11}, Codes: 12, AutoCodes: true, NextCodes: 30, CodeSlab: Slab{13, 14}, NextSlot: 15, NextRank: 16, Live: 17, Pending: 18, Dead: 19, Free: 20,
		NextFree: 21, Spread: 22, SpreadFor: 23, Edition: 24, Sequence: 25, GraphSequence: 26, Roots: []uint32{27, 28}, Longest: []uint32{29},
	}
	fields := []uint64{
		1, 2, 1, 2, 3, 4, 5, 6, 7, uint64(math.Float32bits(8)), 9, 10, 11, 12, 1, 30, 0, 13, 14, 15, 16, 17, 18, 19, 20,
		21, uint64(math.Float32bits(22)), 23, 24, 1, 25, 26, 27, 29,
	}
	compareFields(t, "### meta", AppendMeta(nil, m), fields, map[string]int{"120": 120, "4 L": 8, "120 + 4 L": 128, "4 S": 4})

	s := Slab{Rows: 40, Stride: 128}
	slab := s.NewSlab()
	if err := s.Stamp(AppendNumberKey(nil, 3, KindCodes, 4), slab, 5); err != nil {
		t.Fatal(err)
	}
	sums := uint64(binary.LittleEndian.Uint32(slab[48:]))
	compareFields(t, "### vectors, codes", slab, []uint64{40, 128, 3, uint64(KindCodes), 0, 4, 0, 5, 0, sums, 0, sums}, map[string]int{
		"stride x rows": 40 * 128, "...": SlabHeaderBytes + 40*128, "4 x pieces": 8,
	})
}

// compareFields compares the rows of a table, offset and size, with the numbers that a value has
// there. Each field begins where the one before ends, the last ends with the value.
func compareFields(t *testing.T, heading string, value []byte, fields []uint64, words map[string]int) {
	t.Helper()
	rows, end := rowsOf(t, heading), SumBytes
	if len(rows) != len(fields) {
		t.Fatalf("%s: %d fields, FORMAT.md has %d", heading, len(fields), len(rows))
	}
	number := func(cell string) int {
		n, ok := words[cell]
		if !ok {
			var err error
			if n, err = strconv.Atoi(cell); err != nil {
				t.Fatalf("%s: %q is no number of bytes", heading, cell)
			}
		}
		return n
	}
	for i, row := range rows {
		at, size := number(row[0]), number(row[1])
		if at != end {
			t.Errorf("%s: %q is at %d, the field before ends at %d", heading, row[2], at, end)
		}
		end = at + size
		var b [8]byte
		first := size
		if size > 8 || words[row[1]] > 0 {
			first = 4 // of many
		}
		copy(b[:], value[at:at+first])
		if got := binary.LittleEndian.Uint64(b[:]); got != fields[i] {
			t.Errorf("%s: %q at %d is %d, want %d", heading, row[2], at, got, fields[i])
		}
	}
	if end != len(value) {
		t.Errorf("%s: fields end at %d of %d bytes", heading, end, len(value))
	}
}

// FORMAT.md names the limits that hold.
func TestFormatOfLimits(t *testing.T) {
	limits := map[string]float64{
		"index id": math.MaxUint16, "bytes of an index's name": MaxIndexNameBytes, "bytes of an item's key": MaxKeyBytes, "bytes of an item's value": MaxValueBytes,
		"bytes of a label": MaxLabelBytes, "bytes of an item's entry of labels": MaxLabelsBytes, "next slot": math.MaxUint32,
		"dimensions": MaxDimensions, "M, of an index with a graph": MaxM, "ef construction": MaxEfConstruction, "ef": MaxEf,
		"alpha": MaxAlpha, "spread": MaxSpread, "levels": MaxLevels, "longest vectors that are named": MaxLongest,
		"bytes of a slab's rows together": maxRowsBytes,
	}
	for _, row := range rowsOf(t, "## Limits") {
		if row[0] == "M0" || row[0] == "rows per slab" {
			continue
		}
		most, err := strconv.ParseFloat(strings.ReplaceAll(row[2], ",", ""), 64)
		if err != nil || most != limits[row[0]] {
			t.Errorf("%s: FORMAT.md says %s at most, the code %v", row[0], row[2], limits[row[0]])
		}
		delete(limits, row[0])
	}
	if len(limits) > 0 {
		t.Errorf("FORMAT.md lacks %v", limits)
	}
}
