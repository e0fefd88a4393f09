package harness

import (
	"fmt"
	"strconv"
	"strings"
)

// Numbers reads a list of whole numbers with commas between them, none below least.
func Numbers(list string, least int) (all []int, err error) {
	for field := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < least {
			return nil, fmt.Errorf("%q is not a list of numbers from %d on", list, least)
		}
		all = append(all, n)
	}
	return all, nil
}
