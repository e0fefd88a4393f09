package place

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Share gives what readers must reach of an environment to their group. They write to the
// lock file, in which they say what they read.
func Share(dir string, group int) error {
	share := func(path string, mode fs.FileMode) error {
		return errors.Join(os.Chown(path, -1, group), os.Chmod(path, mode))
	}
	err := share(dir, 0o750)
	for name, mode := range map[string]fs.FileMode{DataFile: 0o640, OpenFile: 0o640, TimesFile: 0o640, LockFile: 0o660} {
		if shared := share(filepath.Join(dir, name), mode); !errors.Is(shared, fs.ErrNotExist) {
			err = errors.Join(err, shared)
		}
	}
	return err
}
