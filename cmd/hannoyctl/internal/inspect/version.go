package inspect

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/lmdb"
)

// versionResult is what version --json prints.
type versionResult struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Format   int    `json:"format"` // of the files
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Binding  string `json:"binding"`
	LMDB     string `json:"lmdb"`
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the versions of this program and what it is made of",
		Example: "  hannoyctl version --json", Args: operand.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := versionOf()
			if operand.WantsJSON(cmd) {
				return operand.PrintJSON(cmd, v)
			}
			s := terminal.NewSheet(cmd.OutOrStdout())
			s.Line("hannoyctl", "%s %s", v.Version, v.Revision)
			s.Line("format", "%d", v.Format)
			s.Line("go", "%s %s", v.Go, v.Platform)
			s.Line("lmdb", "%s, by %s", v.LMDB, v.Binding)
			return s.Flush()
		},
	}
}

func versionOf() versionResult {
	v := versionResult{Version: "(devel)", Format: codec.FormatVersion, Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Binding: lmdb.Binding, LMDB: strings.TrimPrefix(lmdb.Version(), "LMDB ")}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	dirty := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			v.Revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if v.Revision != "" {
		v.Revision = fmt.Sprintf("%.12s%s", v.Revision, dirty)
	}
	return v
}
