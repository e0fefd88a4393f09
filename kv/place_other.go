//go:build !linux

package kv

// networkFilesystem would name the network file system that the directory is on.
func networkFilesystem(string) string { return "" }
