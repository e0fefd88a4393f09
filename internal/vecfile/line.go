package vecfile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends the row as one line of JSONL, without the newline. Reading it back gives the same row.
// What the row does not have is left out.
func (row *Row) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	start := len(dst)
	name := func(text string) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, text...)
	}
	switch {
	case row.Key == nil:
	case row.Numeric:
		name(`"key":`)
		dst = append(dst, row.Key...)
	case utf8.Valid(row.Key):
		name(`"key":`)
		dst = appendString(dst, string(row.Key))
	default:
		name(`"key_base64":`)
		dst = appendBase64(dst, row.Key)
	}
	switch {
	case row.Bits != nil:
		name(`"bits":`)
		dst = appendBase64(dst, row.Bits)
	case row.Vector != nil:
		name(`"vector":`)
		dst = appendVector(dst, row.Vector)
	}
	if row.Value != nil {
		name("")
		dst = appendValue(dst, row.Value)
	}
	if len(row.Labels) > 0 {
		name(`"labels":[`)
		for i, label := range row.Labels {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, label)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// appendValue appends a stored value as a member of an object: "value" when it is JSON on one line, else
// "value_text" or "value_base64".
func appendValue(dst, value []byte) []byte {
	switch {
	case json.Valid(value) && !bytes.ContainsAny(value, "\r\n") && string(bytes.TrimSpace(value)) == string(value) && string(value) != "null":
		return append(append(dst, `"value":`...), value...)
	case utf8.Valid(value):
		return appendString(append(dst, `"value_text":`...), string(value))
	}
	return appendBase64(append(dst, `"value_base64":`...), value)
}

func appendString(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// A string of valid UTF-8 cannot fail to encode.
	_ = e.Encode(s)
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

func appendVector(dst []byte, vector []float32) []byte {
	dst = append(dst, '[')
	for i, v := range vector {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendFloat(dst, float64(v), 'g', -1, 32)
	}
	return append(dst, ']')
}
