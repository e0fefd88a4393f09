package place

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// Network file systems are refused, by name, unless it is forced; disks of virtual machines are not.
func TestNetworkFilesystems(t *testing.T) {
	defer func(f func(string) int64) { filesystemType = f }(filesystemType)
	dir := t.TempDir()
	const fuse, ninep = 0x65735546, 0x01021997
	for number, name := range map[int64]string{0x6969: "nfs", 0xfe534d42: "smb2", 0x00c36400: "ceph", fuse: "", ninep: ""} {
		filesystemType = func(string) int64 { return number }
		err := Vet(dir)
		if name == "" && err != nil || name != "" && (!errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), name)) {
			t.Errorf("Vet on file system %#x (%q) = %v", number, name, err)
		}
	}
	filesystemType = func(string) int64 { return 0x6969 }
	t.Setenv(AnywhereVariable, "1")
	if err := Vet(dir); err != nil {
		t.Error(err)
	}
}
