// Package replay makes of what a process did to the files of a directory the states in which a
// loss of power may leave that.
package replay

import (
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A Session is all that a process did to the files of a directory, in order. From it
// follow the states in which a loss of power may leave the directory.
type Session struct {
	Files int // how many there were, numbered as they were made; 0 is the directory
	Ops   []op
}

type opKind uint8

const (
	opWrite  opKind = iota + 1 // Data at At of File
	opResize                   // File to At bytes
	opSync                     // File; for a directory, the names in it
	opCreate                   // Path, as File
	opMkdir                    // Path, as File
	opLink                     // Path, again as To
	opRename                   // Path, to To
	opUnlink                   // Path
	opSaid                     // Path on standard output
)

type op struct {
	Kind   opKind
	File   int
	Path   string
	To     string
	At     int64
	Data   []byte
	Synced bool // durable when it has returned
}

const sectorBytes = 512

// A disk keeps what it has been told to sync. Of all else it may have kept any part
// when the power goes: of the data any sectors, of the names a first part of the
// changes, for file systems keep these in order.
//
// Lose returns the files of a state after some operations, by path, nil for
// directories, and what the process had said by then. The last operation was on its
// way.
func (s *Session) Lose(r *rand.Rand) (files map[string][]byte, said string) {
	end := 1 + r.IntN(len(s.Ops))
	if r.IntN(2) == 0 { // close to where something is said to be durable
		var syncs []int
		for i, o := range s.Ops {
			if o.Kind == opSync || o.Synced {
				syncs = append(syncs, i)
			}
		}
		end = min(max(syncs[r.IntN(len(syncs))]+r.IntN(4)-1, 1), len(s.Ops))
	}
	ops := s.Ops[:end]
	last := end - 1
	synced := s.syncs(ops[:last])
	keep := []int{0, 25, 50, 75, 100}[r.IntN(5)] // per cent of what is not durable
	whole := r.IntN(2) == 0                      // writes, not sectors
	contents := make([][]byte, s.Files)
	var spoken strings.Builder
	var names []int
	for i, o := range ops {
		switch o.Kind {
		case opSaid:
			if i < last {
				spoken.WriteString(o.Path)
			}
		case opWrite:
			durable := i < synced[o.File] || o.Synced && i < last
			contents[o.File] = o.apply(contents[o.File], func() bool { return durable || r.IntN(100) < keep }, durable || whole)
		case opResize:
			if i < synced[o.File] || r.IntN(100) < keep {
				b := contents[o.File]
				contents[o.File] = append(b[:min(len(b), int(o.At))], make([]byte, max(0, int(o.At)-len(b)))...)
			}
		case opCreate, opMkdir, opLink, opRename, opUnlink:
			names = append(names, i)
		}
	}
	paths := s.names(ops, names, last, r)
	files = map[string][]byte{}
	for name, file := range paths {
		files[name] = contents[file]
		if s.directory(file) {
			files[name] = nil
		} else if files[name] == nil {
			files[name] = []byte{}
		}
	}
	return files, spoken.String()
}

// syncs returns for each file where it was last synced: all before is durable.
func (s *Session) syncs(ops []op) []int {
	at := make([]int, s.Files)
	for i, o := range ops {
		if o.Kind == opSync {
			at[o.File] = i
		}
	}
	return at
}

func (s *Session) directory(file int) bool {
	return file == 0 || slices.ContainsFunc(s.Ops, func(o op) bool { return o.Kind == opMkdir && o.File == file })
}

// apply writes to b what is kept: all or nothing, or by sector.
func (o *op) apply(b []byte, kept func() bool, whole bool) []byte {
	all := kept()
	for from := 0; from < len(o.Data); {
		at := o.At + int64(from)
		n := min(len(o.Data)-from, sectorBytes-int(at%sectorBytes))
		if whole && all || !whole && kept() {
			if grow := int(at) + n - len(b); grow > 0 {
				b = append(b, make([]byte, grow)...)
			}
			copy(b[at:], o.Data[from:from+n])
		}
		from += n
	}
	return b
}

// names returns which files there are: the changes up to the last that is durable, and
// some that follow.
func (s *Session) names(ops []op, changes []int, last int, r *rand.Rand) map[string]int {
	durable := 0 // changes
	for k, i := range changes {
		dir := s.parent(ops[:i], ops[i].Path)
		to := dir
		if ops[i].To != "" {
			to = s.parent(ops[:i], ops[i].To)
		}
		for j := i + 1; j < last; j++ {
			if ops[j].Kind == opSync && (ops[j].File == dir || ops[j].File == to) {
				durable = k + 1
				break
			}
		}
	}
	paths := map[string]int{}
	for _, i := range changes[:durable+r.IntN(len(changes)-durable+1)] {
		o := ops[i]
		switch o.Kind {
		case opCreate, opMkdir:
			paths[o.Path] = o.File
		case opLink:
			paths[o.To] = paths[o.Path]
		case opRename:
			paths[o.To] = paths[o.Path]
			delete(paths, o.Path)
		case opUnlink:
			delete(paths, o.Path)
		}
	}
	return paths
}

// parent is the number of the directory that a path is in.
func (s *Session) parent(ops []op, name string) int {
	dir := path.Dir(name)
	if dir == "." {
		return 0
	}
	for _, o := range slices.Backward(ops) {
		if o.Kind == opMkdir && o.Path == dir {
			return o.File
		}
	}
	return 0
}

// Materialise makes the files.
func Materialise(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, content := range files {
		name = filepath.Join(dir, name)
		if content == nil {
			if err := os.MkdirAll(name, 0o700); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
