//go:build !linux

package pages

// adviseRandom does nothing: package syscall has the call for Linux only, and it only saves time.
func adviseRandom([]byte) error { return nil }
