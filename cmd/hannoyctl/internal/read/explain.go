package read

import "github.com/spf13/cobra"

const explainHelp = `Explain answers a query, or those of a file, as hannoyctl query does with the same flags, and says of each how it was answered and why so:
along links or by comparing, what that took, and with --filter how many items match and how many of those near the query.`

const explainExample = `  hannoyctl explain photos --key 17 -k 5
  hannoyctl explain photos --key 17 --filter 'lang:en & !draft'
  hannoyctl explain photos --input query.fbin --filter lang:en --json`

// newExplain is query --explain under the name by which it is looked for.
func newExplain() *cobra.Command {
	cmd := newQuery()
	cmd.Use, cmd.Short = "explain DB --key KEY", "say how a query is answered, and why so"
	cmd.Long, cmd.Example = explainHelp, explainExample
	flag := cmd.Flags().Lookup("explain")
	flag.Hidden = true
	_ = flag.Value.Set("true") // of a bool: cannot fail
	return cmd
}
