package scripts

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// patience is how long programs are waited for. The machine that runs tests may have much else to do.
const patience = 5 * time.Minute

// TestScripts runs testdata: every command, exit status and error message, as a user meets them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", programs+string(os.PathListSeparator)+env.Getenv("PATH"))
			for name, dir := range map[string]string{"VECFILES": "../vecfile/testdata", "CONVERTFILES": "../../cmd/hannoy-convert/testdata"} {
				files, err := filepath.Abs(dir)
				if err != nil {
					return err
				}
				env.Setenv(name, files)
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":          exits,
			"vectors":        vectors,
			"cut":            cut,
			"flip":           flip,
			"locked":         locked,
			"interrupt":      interrupt,
			"interruptbuild": interruptBuild,
			"folded":         folded,
			"prints":         prints,
			"same":           same,
			"sources":        sources,
			"foreign":        foreign,
		},
		Condition: func(condition string) (bool, error) {
			switch condition {
			case "root":
				return os.Getuid() == 0, nil
			case "pages4096":
				return os.Getpagesize() == 4096, nil
			}
			return false, fmt.Errorf("unknown condition %q", condition)
		},
	})
}

// exits STATUS COMMAND ARGS: the command ends with exactly that status.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		got = failed.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d\n%s%s", got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// vectors FILE ROWS DIMENSIONS SEED: random vectors around 20 centres, whole numbers of 0 to 255, or -128 to 127 in i8bin.
// The same seed begins with the same rows.
func vectors(ts *testscript.TestScript, _ bool, args []string) {
	var n [3]int
	for i := range n {
		v, err := strconv.Atoi(args[i+1])
		ts.Check(err)
		n[i] = v
	}
	rows, dimensions := n[0], n[1]
	random := rand.New(rand.NewPCG(uint64(n[2]), 0))
	centres := rand.New(rand.NewPCG(1, 1))
	var centre [20][]float32
	for c := range centre {
		for range dimensions {
			centre[c] = append(centre[c], 100+20*float32(centres.NormFloat64()))
		}
	}
	w, err := vecfile.Create(ts.MkAbs(args[0]), &vecfile.WriterOptions{Dimensions: dimensions, Rows: int64(rows)})
	ts.Check(err)
	defer w.Abort()
	row := make([]float32, dimensions)
	var least float32
	if strings.HasSuffix(args[0], ".i8bin") {
		least = -128
	}
	for range rows {
		c := centre[random.IntN(len(centre))]
		for i := range row {
			row[i] = float32(int(min(max(c[i]+8*float32(random.NormFloat64()), 0), 255))) + least
		}
		ts.Check(w.WriteVector(row))
	}
	ts.Check(w.Close())
}

// cut FILE BYTES: keeps the first bytes of a file.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// flip FILE TEXT: changes one bit wherever the text stands in the file.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	content, err := os.ReadFile(name)
	ts.Check(err)
	for found := 0; ; found++ { // pages that are free hold copies of what was there
		at := bytes.Index(content, []byte(args[1]))
		if at < 0 {
			if found == 0 {
				ts.Fatalf("%s does not hold %q", args[0], args[1])
			}
			break
		}
		content[at] ^= 1
	}
	ts.Check(os.WriteFile(name, content, 0o600))
}

// locked FILE STATUS COMMAND ARGS: exits, while another process (this one) holds a lock on the file.
func locked(ts *testscript.TestScript, neg bool, args []string) {
	file, err := os.OpenFile(ts.MkAbs(args[0]), os.O_RDWR|os.O_CREATE, 0o600)
	ts.Check(err)
	defer file.Close()
	ts.Check(syscall.Flock(int(file.Fd()), syscall.LOCK_EX))
	exits(ts, neg, args[1:])
}

// interrupt FILE STDERR COMMAND ARGS: feeds the file to the command, leaves its input open, sends SIGINT when it has
// read almost all, and wants status 130 and the text on standard error.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	content := ts.ReadFile(args[0])
	path, err := lookPath(ts.Getenv("PATH"), args[2])
	ts.Check(err)
	cmd := exec.Command(path, args[3:]...)
	cmd.Dir = ts.Getenv("WORK")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	ts.Check(err)
	defer stdin.Close()
	ts.Check(cmd.Start())
	// The pipe holds 64 KiB: when the write returns, the command has read all but that, and waits for more.
	_, err = io.WriteString(stdin, content)
	ts.Check(err)
	time.Sleep(100 * time.Millisecond)
	ts.Check(cmd.Process.Signal(os.Interrupt))
	wasInterrupted(ts, cmd.Wait(), stderr.String(), args[1])
}

func wasInterrupted(ts *testscript.TestScript, err error, stderr, want string) {
	var failed *exec.ExitError
	if !errors.As(err, &failed) || failed.ExitCode() != 130 || !strings.Contains(stderr, want) {
		ts.Fatalf("%v, want exit status 130 and %q\n%s", err, want, stderr)
	}
}

// interruptbuild DB STDERR COMMAND ARGS: sends SIGINT when a first part of the graph is committed, of an index that had
// one item, and wants status 130 and the text on standard error.
func interruptBuild(ts *testscript.TestScript, _ bool, args []string) {
	path, err := lookPath(ts.Getenv("PATH"), args[2])
	ts.Check(err)
	cmd := exec.Command(path, args[3:]...)
	cmd.Dir = ts.Getenv("WORK")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	ts.Check(cmd.Start())
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		ts.Check(ts.Exec("hannoyctl", "stats", args[0], "--json"))
		var stats hannoy.Stats
		ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &stats))
		if stats.Items-stats.Pending > 1 {
			break
		}
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	wasInterrupted(ts, cmd.Wait(), stderr.String(), args[1])
}

// folded DB INDEX [ITEMS]: waits until nothing of the index is left for a build to do, and it has so many items.
func folded(ts *testscript.TestScript, _ bool, args []string) {
	items := -1
	if len(args) > 2 {
		var err error
		items, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if ts.Exec("hannoyctl", "stats", args[0], "--index", args[1], "--json") == nil {
			var stats hannoy.Stats
			ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &stats))
			if stats.Items > 0 && stats.Pending == 0 && stats.Dead == 0 && (items < 0 || stats.Items == items) {
				return
			}
		}
	}
	ts.Fatalf("something is left to build in %s", args[0])
}

// prints FILE PATTERN: waits until what a program that runs has written to the file matches.
func prints(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[1])
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && pattern.Match(text) {
			return
		}
	}
	ts.Fatalf("%s does not say %q", args[0], args[1])
}

func lookPath(path, name string) (string, error) {
	for _, dir := range strings.Split(path, string(os.PathListSeparator)) {
		if p, err := exec.LookPath(dir + "/" + name); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s", name, path)
}

// same DB DB: both hold the same items, whatever their order.
func same(ts *testscript.TestScript, neg bool, args []string) {
	var lists [2]string
	for i, db := range args {
		ts.Check(ts.Exec("hannoyctl", "list", db, "--vectors", "--json"))
		lines := strings.Split(ts.ReadFile("stdout"), "\n")
		slices.Sort(lines)
		lists[i] = strings.Join(lines, "\n")
	}
	if (lists[0] == lists[1]) == neg {
		ts.Fatalf("same: %t", !neg)
	}
}

// sources DIR NAMES: a tree of Go packages with that many documented names.
func sources(ts *testscript.TestScript, _ bool, args []string) {
	names, err := strconv.Atoi(args[1])
	ts.Check(err)
	words := strings.Fields("reads writes opens closes sorts finds counts the a each file word byte table queue tree")
	random := rand.New(rand.NewPCG(3, 3))
	var text strings.Builder
	text.WriteString("package words\n")
	for i := range names {
		fmt.Fprintf(&text, "\n// Name%d %s.\nfunc Name%d() {}\n", i, strings.Join([]string{words[random.IntN(len(words))],
			words[random.IntN(len(words))], words[random.IntN(len(words))], words[random.IntN(len(words))]}, " "), i)
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir+"/words", 0o700))
	ts.Check(os.WriteFile(dir+"/words/words.go", []byte(text.String()), 0o600))
}

// foreign DIR: an LMDB environment that some other program has made, with pages of 4,096 bytes.
func foreign(ts *testscript.TestScript, _ bool, args []string) {
	content, err := gzip.NewReader(bytes.NewReader(foreignFile))
	ts.Check(err)
	file, err := os.Create(ts.MkAbs(args[0] + "/data.mdb"))
	ts.Check(err)
	defer file.Close()
	_, err = io.Copy(file, content)
	ts.Check(err)
}

//go:embed foreign.mdb.gz
var foreignFile []byte
