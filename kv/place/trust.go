package place

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// AnywhereVariable, set to anything in the environment of a process, makes it open
// directories that Vet refuses.
const AnywhereVariable = "HANNOY_ANYWHERE"

// Vet refuses a directory that is not safe to open: one in which anybody may write or
// which belongs to a stranger, for who can change a mapped file can crash its readers, or
// make them read what he likes; and one on a network file system, for there neither locks
// nor maps are what LMDB takes them for.
func Vet(dir string) error {
	if os.Getenv(AnywhereVariable) != "" {
		return nil
	}
	const remedy = "or set " + AnywhereVariable + "=1 to open it all the same"
	if name := networkFilesystem(dir); name != "" {
		return fmt.Errorf("open %s: %w: it is on a network file system, %s (keep indexes on local disks, %s)", dir, fs.ErrPermission, name, remedy)
	}
	for _, path := range []string{dir, filepath.Join(dir, DataFile), filepath.Join(dir, LockFile)} {
		fi, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if fi.Mode().Perm()&0o002 != 0 {
			return fmt.Errorf("open %s: %w: anybody may write to %s (chmod o-w, %s)", dir, fs.ErrPermission, path, remedy)
		}
		if owner := fi.Sys().(*syscall.Stat_t); !trusted(owner, fi.Mode()) {
			return fmt.Errorf("open %s: %w: %s belongs to user %d, this process is of user %d (chown it, %s)", dir, fs.ErrPermission, path, owner.Uid, os.Geteuid(), remedy)
		}
	}
	return nil
}

// trusted reports whether the owner of a file is this user, or root, or somebody who
// shares it with a group of this user; see Share.
func trusted(owner *syscall.Stat_t, mode fs.FileMode) bool {
	if owner.Uid == 0 || int(owner.Uid) == os.Geteuid() {
		return true
	}
	if mode.Perm()&0o040 == 0 || os.Geteuid() == 0 {
		return false
	}
	groups, err := os.Getgroups()
	return err == nil && (int(owner.Gid) == os.Getegid() || slices.Contains(groups, int(owner.Gid)))
}
