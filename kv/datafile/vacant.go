package datafile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/hannoydb/hannoy/kv/place"
)

// Vacant returns an error that wraps ErrInvalid if the directory holds anything but what is left where no environment
// came to be made whole, or lost its index. One that does not exist is vacant.
func Vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if !slices.Contains(Files[:], name) && !strings.HasPrefix(name, place.NurseryPrefix) && !strings.HasPrefix(name, place.SuccessorPrefix) {
			return fmt.Errorf("%s: %w: it holds %s already (give an empty directory, or one that does not exist)", dir, ErrInvalid, name)
		}
	}
	return nil
}
