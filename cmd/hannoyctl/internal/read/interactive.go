package read

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

const interactiveHelp = `  key:cat.jpg       the neighbours of a stored item
  0.1, 0.2, 0.3     the neighbours of a vector; of bits, under hamming: 0x00ff
  k 5, ef 200       how many, and how wide a search
  filter lang:en    only items that match; filter alone: all
  get cat.jpg       an item
  help, quit`

// A session answers queries line by line.
type session struct {
	*queryFlags
	ix     *hannoy.Index
	style  operand.KeyStyle
	out    io.Writer
	json   bool
	n      int // queries answered
	failed int
}

// interact answers the lines of standard input until it ends. A line that is wrong is told and passed over.
func (f *queryFlags) interact(cmd *cobra.Command, ix *hannoy.Index) error {
	in := cmd.InOrStdin()
	file, ok := in.(*os.File)
	prompting := ok && terminal.IsTerminal(file)
	s := &session{queryFlags: f, ix: ix, style: operand.StyleOf(ix), out: cmd.OutOrStdout(), json: operand.WantsJSON(cmd)}
	if prompting {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s\n", interactiveHelp)
	}
	lines := bufio.NewScanner(operand.Interruptible{Context: cmd.Context(), Source: in})
	lines.Buffer(nil, 1<<20)
	for {
		if prompting {
			fmt.Fprint(cmd.ErrOrStderr(), "> ")
		}
		if !lines.Scan() {
			break
		}
		err := s.line(cmd.Context(), strings.TrimSpace(lines.Text()))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.failed++
			terminal.Report(cmd.ErrOrStderr(), err)
		}
		if err := cmd.Context().Err(); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if s.failed > 0 && !prompting {
		return fmt.Errorf("%s could not be answered", terminal.Plural(s.failed, "line"))
	}
	return nil
}

// line answers one line; io.EOF ends the session.
func (s *session) line(ctx context.Context, text string) error {
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "":
		return nil
	case "quit", "exit":
		return io.EOF
	case "help":
		_, err := fmt.Fprintln(s.out, interactiveHelp)
		return err
	case "k":
		if err := s.K.Set(rest); err != nil {
			return err
		}
		s.Ef = max(s.Ef, s.K)
		return nil
	case "ef":
		var ef terminal.Count
		if err := ef.Set(rest); err != nil {
			return err
		}
		if ef < s.K {
			return fmt.Errorf("ef %d is less than k %d", ef, s.K)
		}
		s.Ef = ef
		return nil
	case "filter":
		if rest == "" {
			s.Filter = nil
			return nil
		}
		filter, err := operand.ParseFilter(rest)
		if err == nil {
			s.Filter = filter
		}
		return err
	case "get":
		return s.get(rest)
	}
	return s.search(ctx, text)
}

func (s *session) get(text string) error {
	key, err := s.style.Parse([]byte(text))
	if err != nil {
		return err
	}
	return s.ix.View(func(snapshot *hannoy.Snapshot) error {
		item, err := snapshot.Get(key)
		if err != nil {
			return err
		}
		if s.json {
			printLine(s.out, s.style.Row(item))
		} else {
			printItem(s.out, s.style, item)
		}
		return nil
	})
}

// search answers a query over the latest commit.
func (s *session) search(ctx context.Context, text string) error {
	opts := &hannoy.SearchOptions{Ef: int(s.Ef), Filter: s.Filter, Exact: s.Exact, WithValues: s.Values}
	var hits []hannoy.Hit
	err := s.ix.View(func(snapshot *hannoy.Snapshot) (err error) {
		point, err := pointOf(s.ix, text)
		if err == nil {
			hits, err = point.Search(ctx, snapshot, int(s.K), opts)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.n++
	if s.json {
		return json.NewEncoder(s.out).Encode(queryHits{Query: s.n - 1, Hits: operand.JSONHits(s.style, hits)})
	}
	printHits(s.out, s.style, [][]hannoy.Hit{hits}, true)
	return nil
}
