package pages

import "syscall"

func adviseRandom(b []byte) error { return syscall.Madvise(b, syscall.MADV_RANDOM) }
