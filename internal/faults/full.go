package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hannoydb/hannoy"
)

// The file systems that are filled, and how much room is left in them: from the first
// level, at which not even an empty index fits, in equal steps.
var (
	fullSystems  = []string{"tmpfs", "ext4"}
	fullLevels   = 64
	fullLeast    = 4 << 10
	fullStep     = 8 << 10
	fullCapacity = 16 << 20
)

// full lets a process work on a file system that has less and less room left, until it
// fails; frees the room, and lets another go on. The trials walk through the levels, one
// file system after the other; c.mode names one of them.
func (c *campaign) full(dir string, s *summary) error {
	levels := c.n
	if c.mode == "" {
		levels /= len(fullSystems)
	}
	for i, system := range fullSystems {
		if c.mode != "" && c.mode != system {
			continue
		}
		disk := filepath.Join(dir, system)
		unmount, err := mount(system, disk)
		if err != nil {
			s.Skipped = append(s.Skipped, fmt.Sprintf("%s: %v", system, err))
			continue
		}
		for trial := range levels {
			n := c.from + i*levels + trial
			t := &fullTrial{disk: disk, model: model{work: &work{seed: c.seed + uint64(n)*1e6, keys: 400}}}
			outcome, text := t.try(fullLeast + fullStep*(trial*fullLevels/levels))
			s.count(n, outcome, fmt.Sprintf("%s, level %d of %d: %s", system, trial, levels, text))
			if c.verbose {
				fmt.Fprintln(os.Stderr, system, trial, outcome, text)
			}
		}
		if err := unmount(); err != nil {
			return err
		}
	}
	return nil
}

// mount makes an empty file system of fullCapacity bytes.
func mount(system, dir string) (unmount func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	unmount = func() error { return syscall.Unmount(dir, syscall.MNT_DETACH) }
	if system == "tmpfs" {
		return unmount, syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", fullCapacity))
	}
	image := dir + ".image"
	for _, args := range [][]string{
		{"truncate", "-s", fmt.Sprint(fullCapacity), image}, {"mkfs." + system, "-q", "-m", "0", image}, {"mount", "-o", "loop", image, dir},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", args[0], err, out)
		}
	}
	return unmount, nil
}

type fullTrial struct {
	disk  string
	model model
}

// try leaves so many bytes, works until that fails or is done, and goes on with more.
func (t *fullTrial) try(room int) (outcome, text string) {
	dir, filler := filepath.Join(t.disk, "index"), filepath.Join(t.disk, "filler")
	if err := fill(filler, room); err != nil {
		return wrong, err.Error()
	}
	defer os.RemoveAll(dir)
	w := &worker{dir: dir, work: t.model.work, steps: 60, tolerant: true}
	d, err := w.run()
	if err != nil {
		return wrong, err.Error()
	}
	for _, failure := range d.failures {
		if !strings.HasPrefix(failure, "typed") {
			return wrong, failure
		}
		outcome, text = refused, failure
	}
	if err := os.Remove(filler); err != nil {
		return wrong, err.Error()
	}
	w.tolerant, w.first, w.steps = false, w.steps, 10
	again, err := w.run()
	if err != nil {
		return wrong, "with room again: " + err.Error()
	}
	if again.acknowledged < d.acknowledged {
		return wrong, fmt.Sprintf("%d batches with room again, %d before", again.acknowledged, d.acknowledged)
	}
	ix, err := hannoy.Open(dir, workOptions())
	if err == nil {
		_, err = t.model.verify(ix, again.acknowledged, again.acknowledged)
		err = errors.Join(err, ix.Close())
	}
	if err != nil {
		return wrong, err.Error()
	}
	return or(outcome, right), text
}

// fill fills the file system up to so many bytes.
func fill(path string, room int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	size := 0
	for block := make([]byte, 4096); err == nil; size += len(block) {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return f.Truncate(int64(max(0, size-room)))
}
