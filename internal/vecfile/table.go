package vecfile

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A table decodes CSV and TSV (RFC 4180; the separator is a comma or a tab).
//
// A first record of numbers alone is a row like the others: its columns are the numbers of the vector. Else it names
// the columns:
//
//	key, id      the key
//	value        the value, as it stands; empty: none
//	label(s)     labels, separated by semicolons, or a JSON array of them
//	vector       the vector in one field: [0.1, 0.2] or 0.1 0.2
//	bits         packed bits: base64, or hexadecimal after 0x
//
// Without a vector and bits, all other columns are the numbers of the vector, in their order. With one of them, any other name
// is an error, so that a misspelt one is not lost.
type table struct {
	r       *Reader
	in      *csv.Reader
	bounded *bounded
	roles   []role   // of the columns; nil until the first record
	first   []string // a first record that is a row; nil when there is none
}

// A role is what a column is for.
type role uint8

const (
	numberColumn role = iota
	keyColumn
	valueColumn
	labelsColumn
	vectorColumn
	bitsColumn
)

var columnRoles = map[string]role{
	"key": keyColumn, "id": keyColumn, "value": valueColumn, "label": labelsColumn, "labels": labelsColumn, "vector": vectorColumn, "bits": bitsColumn,
}

const tableHint = "name the columns key, value, labels and vector; or key and one column for each number"

// bounded fails when more than a record may hold has been read since the last one: a quote without end would
// otherwise gather the rest of the file in memory.
type bounded struct {
	src  io.Reader
	left int
}

var errLongRecord = errors.New("the record is longer than " + commas(maxLine) + " bytes: is a quote left open?")

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongRecord
	}
	n, err := b.src.Read(p)
	b.left -= n
	return n, err
}

func newTable(r *Reader) *table {
	t := &table{r: r, bounded: &bounded{src: r.src, left: maxLine}}
	t.in = csv.NewReader(t.bounded)
	t.in.ReuseRecord = true
	if r.format == TSV {
		t.in.Comma = '\t'
	}
	return t
}

// open reads the first record and finds out what it is.
func (t *table) open() error {
	record, err := t.in.Read()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return t.failed(&Row{}, err)
	}
	record = slices.Clone(record)
	record[0] = strings.TrimPrefix(record[0], "\ufeff") // as Excel writes it
	if !slices.ContainsFunc(record, func(field string) bool { _, err := parseNumber(field); return err != nil }) {
		t.roles, t.first = make([]role, len(record)), record
		return t.checkRoles(nil)
	}
	seen := map[role]string{}
	for _, name := range record {
		role := t.r.roleOf(strings.TrimSpace(name))
		if other, twice := seen[role]; twice && role != numberColumn {
			return t.r.errorAt(-1, 0, tableHint, "the columns %s and %s are both for the %s", quote(other), quote(name), roleNames[role])
		}
		seen[role] = name
		t.roles = append(t.roles, role)
	}
	return t.checkRoles(seen)
}

// roleOf is the role of a column by its name: that of Options.Columns, or the usual one.
func (r *Reader) roleOf(name string) role {
	for _, pair := range r.columns {
		if role, column, _ := strings.Cut(pair, "="); column == name {
			return columnRoles[role]
		}
	}
	return columnRoles[strings.ToLower(name)]
}

// CheckColumn reports whether text is such as Options.Columns wants: role=name.
func CheckColumn(text string) error {
	role, name, ok := strings.Cut(text, "=")
	if _, known := columnRoles[role]; !ok || !known || name == "" {
		return fmt.Errorf("%s is not role=name, the role being key, value, labels, vector or bits", quote(text))
	}
	return nil
}

var roleNames = [...]string{"numbers", "key", "value", "labels", "vector", "bits"}

func (t *table) checkRoles(seen map[role]string) error {
	name, numbers := seen[numberColumn]
	_, vector := seen[vectorColumn]
	_, bits := seen[bitsColumn]
	switch {
	case seen == nil && t.r.bits, t.r.bits && !bits && !t.r.keysOnly:
		return t.r.errorAt(-1, 0, "hamming wants packed bits: a column named bits, base64 or hexadecimal after 0x", "no column of bits")
	case seen == nil:
	case numbers && (vector || bits):
		return t.r.errorAt(-1, 0, tableHint, "unknown column %s", quote(name))
	case !numbers && !vector && !t.r.bits && !t.r.keysOnly:
		return t.r.errorAt(-1, 0, tableHint, "no column of numbers")
	}
	return nil
}

func (t *table) next(row *Row) error {
	record := t.first
	row.Offset = 0
	if record == nil {
		row.Offset = t.in.InputOffset()
		t.bounded.left = maxLine
		var err error
		if record, err = t.in.Read(); err != nil {
			return t.failed(row, err)
		}
	}
	t.first = nil
	if len(record) != len(t.roles) {
		return t.r.badRow(row, "", "line %s: %d fields, the first line has %d", t.line(), len(record), len(t.roles))
	}
	return t.parse(row, record)
}

// failed turns an error of the CSV reader into one of ours. Behind a record with a wrong number of fields or a bare
// quote the next line can be read.
func (t *table) failed(row *Row, err error) error {
	var syntax *csv.ParseError
	switch {
	case err == io.EOF:
		return io.EOF
	case errors.As(err, &syntax):
		e := t.r.badRow(row, "is it "+string(t.r.format)+", a record a line?", "line %s: %v", commas(int64(syntax.StartLine)), syntax.Err)
		e.bad = errors.Is(err, csv.ErrFieldCount) || errors.Is(err, csv.ErrBareQuote) || errors.Is(err, csv.ErrQuote)
		return e
	}
	e := t.r.errorAt(row.Number, row.Offset, "", "%v", err)
	e.Err = err
	return e
}

func (t *table) line() string {
	line, _ := t.in.FieldPos(0)
	return commas(int64(line))
}

func (t *table) parse(row *Row, record []string) error {
	row.Key, row.Value, row.Labels, row.Numeric = nil, nil, nil, false
	row.Vector, row.Bits = row.Vector[:0], nil
	has := false
	for i, field := range record {
		var err error
		switch t.roles[i] {
		case keyColumn:
			row.Key = append(nonNil(row.Key), field...)
		case valueColumn:
			if field != "" {
				row.Value = []byte(field)
			}
		case labelsColumn:
			row.Labels, err = parseLabels(field)
		case bitsColumn:
			if t.r.bits {
				has = true
				row.Bits, err = ParseBits(field)
			}
		case vectorColumn:
			if !t.r.bits {
				has = true
				row.Vector, err = appendFields(row.Vector, field)
			}
		case numberColumn:
			if !t.r.bits {
				has = true
				var v float32
				v, err = parseNumber(field)
				row.Vector = append(row.Vector, v)
			}
		}
		if err != nil {
			return t.r.badRow(row, "", "line %s, column %d: %v", t.line(), i+1, err)
		}
	}
	return t.checkDimensions(row, has)
}

// checkDimensions holds the length of a row's vector against the first row's.
func (t *table) checkDimensions(row *Row, has bool) error {
	dims := len(row.Vector)
	if t.r.bits {
		dims, row.Vector = 8*len(row.Bits), nil
	}
	switch {
	case !has && t.r.keysOnly:
		return nil
	case dims == 0 || dims > MaxDimensions:
		return t.r.badRow(row, "", "line %s: the vector has %s dimensions, which is not within 1 to %s", t.line(), commas(int64(dims)), commas(MaxDimensions))
	case t.r.dims == 0:
		t.r.dims = dims
	case dims != t.r.dims:
		return t.r.badRow(row, "every row of a file must have the same dimensions",
			"line %s: the vector has %s dimensions, the first row's has %s", t.line(), commas(int64(dims)), commas(int64(t.r.dims)))
	}
	return nil
}

func parseNumber(field string) (float32, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(field), 32)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, fmt.Errorf("%s is not a finite float32", quote(field))
	}
	return float32(v), nil
}

// appendFields reads [0.1, 0.2] or 0.1 0.2.
func appendFields(dst []float32, field string) ([]float32, error) {
	field = strings.TrimSpace(field)
	if strings.HasPrefix(field, "[") && strings.Contains(field, ",") {
		if !strings.HasSuffix(field, "]") {
			return dst, fmt.Errorf("the vector %s has no end", quote(field))
		}
		return appendNumbers(dst, []byte(field))
	}
	field = strings.TrimSuffix(strings.TrimPrefix(field, "["), "]")
	for number := range strings.FieldsSeq(field) {
		v, err := parseNumber(number)
		if err != nil {
			return dst, err
		}
		if len(dst) == MaxDimensions {
			return dst, fmt.Errorf("more than %s numbers", commas(MaxDimensions))
		}
		dst = append(dst, v)
	}
	return dst, nil
}

func parseLabels(field string) (labels []string, err error) {
	switch {
	case strings.TrimSpace(field) == "":
		return nil, nil
	case strings.HasPrefix(field, "["):
		if err := json.Unmarshal([]byte(field), &labels); err != nil {
			return nil, fmt.Errorf("labels: %v", err)
		}
		return labels, nil
	}
	for label := range strings.SplitSeq(field, ";") {
		labels = append(labels, strings.TrimSpace(label))
	}
	return labels, nil
}

// tableRow appends the fields of a row to record: key, value and labels if the row has a key, then one field for each number.
func tableRow(record []string, row *Row, keyed bool) ([]string, error) {
	if keyed {
		if !utf8.Valid(row.Key) || !utf8.Valid(row.Value) {
			return nil, errors.New("a key or value that is not text cannot be in a table: write jsonl")
		}
		record = append(record, string(row.Key), string(row.Value), labelsField(row.Labels))
	}
	if row.Bits != nil {
		return append(record, base64.StdEncoding.EncodeToString(row.Bits)), nil
	}
	for _, v := range row.Vector {
		record = append(record, strconv.FormatFloat(float64(v), 'g', -1, 32))
	}
	return record, nil
}

// tableHead names the columns of such rows.
func tableHead(row *Row, keyed bool) (record []string) {
	if keyed {
		record = append(record, "key", "value", "labels")
	}
	if row.Bits != nil {
		return append(record, "bits")
	}
	for i := range row.Vector {
		record = append(record, "v"+strconv.Itoa(i))
	}
	return record
}

func labelsField(labels []string) string {
	if slices.ContainsFunc(labels, func(l string) bool {
		return strings.Contains(l, ";") || strings.HasPrefix(l, "[") || strings.TrimSpace(l) != l
	}) {
		var array []byte
		for i, label := range labels {
			array = appendString(append(array, "[,"[min(i, 1)]), label)
		}
		return string(append(array, ']'))
	}
	return strings.Join(labels, ";")
}
