package filter

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

var errKind = errors.New("kind")

func anyLabel(label string) error {
	if label == "" || !utf8.ValidString(label) {
		return fmt.Errorf("label %q", label)
	}
	return nil
}

func TestParse(t *testing.T) {
	deep := strings.Repeat("!", maxDepth-1) + "a"
	for text, want := range map[string]string{
		"a":                      "a",
		"a & b|c":                "a & b | c",
		"a and (b or c)":         "a & (b | c)",
		"not a AND ! b":          "!a & !b",
		"!(a & b)":               "!(a & b)",
		"!!a":                    "!!a",
		"lang:* &!lang:en":       "lang:* & !lang:en",
		"*":                      "*",
		`"and"|"a b"*`:           `"and" | "a b"*`,
		`"x*y" & "q\"\\"`:        `"x*y" & "q\"\\"`,
		"andy ornament nothings": "",
		"a\t&\nb":                "a & b",
		"(((a)))":                "a",
		"größe:xl|ü*":            "größe:xl | ü*",
		deep:                     deep,
	} {
		e, err := Parse(text, anyLabel, errKind)
		if want == "" {
			if err == nil {
				t.Errorf("Parse(%q) = %v", text, e)
			}
			continue
		}
		if err != nil || e.String() != want {
			t.Errorf("Parse(%q) = %v, %v, want %s", text, e, err, want)
		}
	}
}

// Each error points at the character.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, caret, problem string }{
		{"", "^", "missing at the end"},
		{"a &", "   ^", "missing at the end"},
		{"a & | b", "    ^", `"|" stands where a label`},
		{"a b", "  ^", `"b" stands where the expression could end`},
		{"(a | b", "^", "no )"},
		{"a | (b c)", "       ^", `"c" stands where and, or, )`},
		{"a)", " ^", "this ) has no ("},
		{"ü & la*ng", "      ^", "* may stand at the end"},
		{`a & "b`, "    ^", "no second"},
		{`"a\b"`, "  ^", "must stand before"},
		{`a | ""`, "    ^", `label ""`},
		{"or", "^", `"or" stands where`},
		{strings.Repeat("(", maxDepth+1), strings.Repeat(" ", maxDepth) + "^", "within each other"},
	} {
		_, err := Parse(c.text, anyLabel, errKind)
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, errKind) {
			t.Errorf("Parse(%q): error %v", c.text, err)
			continue
		}
		if lines := strings.Split(e.Caret(), "\n"); len(lines) != 2 || lines[1] != c.caret || !strings.Contains(e.Error(), c.problem) {
			t.Errorf("Parse(%q): %v\n%s\nwant %s\n%s", c.text, err, e.Caret(), c.problem, c.caret)
		}
	}
}

// FuzzParse: what is read is written so that it reads the same; errors point into the text.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"a & !b", `("x y"* or *) and not c`, "((", "a\\ *", "\xff|\xfe", "!!!!(a|b)&c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text, anyLabel, errKind)
		if err != nil {
			var at *Error
			if !errors.As(err, &at) || at.Offset < 0 || at.Offset > len(text) || at.Error() == "" || strings.Count(at.Caret(), "\n") != 1 {
				t.Fatalf("Parse(%q): error %#v", text, err)
			}
			return
		}
		again, err := Parse(e.String(), anyLabel, errKind)
		if err != nil || !reflect.DeepEqual(e, again) {
			t.Fatalf("%q is written %q and read as %v, %v", text, e, again, err)
		}
	})
}
