package place

import "syscall"

// networkFilesystems are those that are certainly not local. 9p and FUSE may be: the
// disks of virtual machines are.
var networkFilesystems = map[int64]string{
	0x6969: "nfs", 0x517b: "smb", 0xff534d42: "cifs", 0xfe534d42: "smb2", 0x00c36400: "ceph", 0x5346414f: "afs",
	0x6b414653: "kafs", 0x73757245: "coda", 0x0bd00bd0: "lustre", 0x01161970: "gfs2", 0x7461636f: "ocfs2",
}

// networkFilesystem names the network file system that the directory is on, "" for none.
func networkFilesystem(dir string) string { return networkFilesystems[filesystemType(dir)] }

// filesystemType is the number by which the kernel knows the file system of a directory, 0 if it
// does not say; tests make it others.
var filesystemType = func(dir string) int64 {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return 0
	}
	return int64(uint32(st.Type))
}
