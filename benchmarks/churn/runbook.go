package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// readRunbook reads a runbook of big-ann's streaming track: a mapping from the name of a
// data set to numbered steps, each of which inserts or deletes a range of rows, or
// searches. What lies between two searches is applied step by step; at most freshBuilds
// of the searches, and the last, are compared with an index that is built anew.
func readRunbook(path string, rows int) (*plan, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := parseRunbook(raw, rows)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

const freshBuilds = 5

func parseRunbook(raw []byte, rows int) (*plan, error) {
	var books map[string]map[string]yaml.Node
	if err := yaml.Unmarshal(raw, &books); err != nil {
		return nil, err
	}
	if len(books) != 1 {
		return nil, fmt.Errorf("%d data sets, expected one", len(books))
	}
	p := &plan{says: "a runbook of big-ann's streaming track"}
	var numbers []int
	var book map[string]yaml.Node
	for p.name, book = range books {
		for key := range book {
			if n, err := strconv.Atoi(key); err == nil {
				numbers = append(numbers, n)
			}
		}
	}
	slices.Sort(numbers)
	live := map[int32]bool{}
	var searches []int
	for _, n := range numbers {
		var s struct {
			Operation  string
			Start, End int
		}
		node := book[strconv.Itoa(n)]
		if err := node.Decode(&s); err != nil {
			return nil, fmt.Errorf("step %d: %w", n, err)
		}
		if s.Operation == "search" {
			if last := len(p.steps) - 1; last >= 0 && !p.steps[last].measure {
				p.steps[last].measure = true
				searches = append(searches, last)
			}
			continue
		}
		if s.Start < 0 || s.End > rows || s.Start >= s.End {
			return nil, fmt.Errorf("step %d: rows %d to %d of %d", n, s.Start, s.End, rows)
		}
		var changed []int32
		for row := int32(s.Start); row < int32(s.End); row++ {
			if live[row] == (s.Operation == "delete") {
				changed = append(changed, row)
				live[row] = !live[row]
			}
		}
		switch s.Operation {
		case "insert":
			p.steps = append(p.steps, step{insert: changed})
		case "delete":
			p.steps = append(p.steps, step{remove: changed})
		default:
			return nil, fmt.Errorf("step %d: operation %q, known are insert, delete and search", n, s.Operation)
		}
		p.whole = max(p.whole, len(live))
	}
	if len(searches) == 0 {
		return nil, fmt.Errorf("%d steps and no search after a change", len(numbers))
	}
	for i, at := range searches {
		p.steps[at].fresh = (i+1)*freshBuilds/len(searches) > i*freshBuilds/len(searches)
	}
	p.steps[searches[len(searches)-1]].fresh = true
	return p, nil
}
