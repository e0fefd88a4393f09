package replay

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/hannoydb/hannoy/internal/faults/trace"
)

// recorder writes down what a traced process does to the files of a directory.
type recorder struct {
	t       *trace.Tracer
	session *Session
	numbers map[uint64]int // of files, by inode
	paths   map[string]int // what there is by that name; directories are files
}

// Record returns the session that the tracer is about to run, in a directory that is empty.
func Record(t *trace.Tracer) *Session {
	r := &recorder{t: t, session: &Session{Files: 1}, numbers: map[uint64]int{}, paths: map[string]int{"": 0}}
	t.Leave = r.leave
	return r.session
}

// within is a path below the directory, "" for the directory.
func (r *recorder) within(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, r.t.Dir), "/")
}

func (r *recorder) leave(c *trace.Call) error {
	path, to := r.within(c.Path), r.within(c.To)
	switch c.Name {
	case "write":
		if c.Path == trace.Stdout {
			said, err := r.t.Said(c)
			r.note(op{Kind: opSaid, Path: said})
			return err
		}
		return r.write(c, []span{{c.Arg(1), c.Ret}}, -1)
	case "pwrite":
		return r.write(c, []span{{c.Arg(1), c.Ret}}, int64(c.Arg(3)))
	case "writev", "pwritev":
		at := int64(-1)
		if c.Name == "pwritev" {
			at = int64(c.Arg(3))
		}
		vectors, err := r.vectors(c)
		if err != nil {
			return err
		}
		return r.write(c, vectors, at)
	case "ftruncate":
		r.note(op{Kind: opResize, File: r.file(c), At: int64(c.Arg(1))})
	case "fsync", "fdatasync":
		r.note(op{Kind: opSync, File: r.file(c), Path: path})
	case "open", "openat":
		return r.opened(c, path)
	case "mkdir", "mkdirat":
		r.make(path, opMkdir)
	case "rename", "renameat":
		r.note(op{Kind: opRename, Path: path, To: to})
		r.paths[to] = r.paths[path]
		delete(r.paths, path)
	case "link", "linkat":
		r.note(op{Kind: opLink, Path: path, To: to})
		r.paths[to] = r.paths[path]
	case "unlink", "unlinkat", "rmdir":
		r.note(op{Kind: opUnlink, Path: path})
		delete(r.paths, path)
	}
	return nil
}

func (r *recorder) note(o op) { r.session.Ops = append(r.session.Ops, o) }

func (r *recorder) make(path string, kind opKind) int {
	n := r.session.Files
	r.session.Files++
	r.paths[path] = n
	r.note(op{Kind: kind, Path: path, File: n})
	return n
}

// opened notes files that are made by being opened.
func (r *recorder) opened(c *trace.Call, path string) error {
	flags := c.Arg(1)
	if c.Name == "openat" {
		flags = c.Arg(2)
	}
	n, there := r.paths[path]
	if !there {
		if flags&syscall.O_CREAT == 0 {
			return fmt.Errorf("%s is opened and was never made", c.Path)
		}
		n = r.make(path, opCreate)
	} else if flags&syscall.O_TRUNC != 0 {
		r.note(op{Kind: opResize, File: n})
	}
	ino, err := r.inode(uint64(c.Ret))
	r.numbers[ino] = n
	return err
}

func (r *recorder) inode(fd uint64) (uint64, error) {
	var st syscall.Stat_t
	err := syscall.Stat(r.t.Proc("fd", strconv.FormatUint(fd, 10)), &st)
	return st.Ino, err
}

// file is the number of the file that a call's first argument is a descriptor of.
func (r *recorder) file(c *trace.Call) int {
	ino, err := r.inode(c.Arg(0))
	n, ok := r.numbers[ino]
	if err != nil || !ok {
		r.t.Keep(fmt.Errorf("%s of %s, which was never opened: %w", c.Name, c.Path, err))
	}
	return n
}

// span is memory of the process.
type span struct {
	address uint64
	n       int64
}

func (r *recorder) vectors(c *trace.Call) ([]span, error) {
	b := make([]byte, 16*c.Arg(2))
	if _, err := r.t.Read(b, c.Arg(1)); err != nil {
		return nil, err
	}
	var all []span
	for ; len(b) > 0; b = b[16:] {
		all = append(all, span{binary.NativeEndian.Uint64(b), int64(binary.NativeEndian.Uint64(b[8:]))})
	}
	return all, nil
}

// write notes a write of c.Ret bytes; at -1 it was at the place where the descriptor is.
func (r *recorder) write(c *trace.Call, from []span, at int64) error {
	if at < 0 {
		place, err := r.info(c.Arg(0), "pos:", 10)
		if err != nil {
			return err
		}
		at = place - c.Ret
	}
	flags, err := r.info(c.Arg(0), "flags:", 8)
	if err != nil {
		return err
	}
	o := op{Kind: opWrite, File: r.file(c), At: at, Synced: flags&syscall.O_DSYNC != 0, Data: make([]byte, 0, c.Ret)}
	for _, s := range from {
		n := min(s.n, c.Ret-int64(len(o.Data)))
		piece := make([]byte, n)
		if _, err := r.t.Read(piece, s.address); err != nil {
			return err
		}
		o.Data = append(o.Data, piece...)
	}
	r.note(o)
	return nil
}

// info reads what the kernel says about a descriptor.
func (r *recorder) info(fd uint64, field string, base int) (int64, error) {
	text, err := os.ReadFile(r.t.Proc("fdinfo", strconv.FormatUint(fd, 10)))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			return strconv.ParseInt(strings.TrimSpace(rest), base, 64)
		}
	}
	return 0, fmt.Errorf("descriptor %d has no %s", fd, field)
}
