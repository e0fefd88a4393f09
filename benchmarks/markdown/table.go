// Package markdown writes tables.
package markdown

import (
	"fmt"
	"strings"
)

// Header writes the first row of a table and the line below it.
func Header(b *strings.Builder, cells ...string) {
	Row(b, cells...)
	b.WriteString("|" + strings.Repeat("---|", len(cells)) + "\n")
}

// Row writes one row.
func Row(b *strings.Builder, cells ...string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}
