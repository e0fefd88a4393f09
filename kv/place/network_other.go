//go:build !linux

package place

// networkFilesystem would name the network file system that the directory is on.
func networkFilesystem(string) string { return "" }
