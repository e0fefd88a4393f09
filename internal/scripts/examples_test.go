package scripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// examplesOf are the lines under "Examples:" in the help of a command.
func examplesOf(t *testing.T, command string) (lines []string) {
	t.Helper()
	_, after, _ := strings.Cut(help(t, command), "\nExamples:\n")
	for line := range strings.Lines(after) {
		if line = strings.TrimSpace(line); line == "" {
			break
		}
		lines = append(lines, line)
	}
	return lines
}

func help(t *testing.T, command ...string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(programs, "hannoyctl"), append(command, "--help")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

var commandLine = regexp.MustCompile(`(?m)^  ([a-z]+) +\S`)

// world makes everything that the examples speak of.
const world = `
hannoyctl build photos --input base.fbin --metric cosine
hannoyctl build photos --input base.fbin --index thumbnails
hannoyctl truth photos --input query.fbin --out gt.ibin
for i in $(seq 500); do echo "doc:$((i / 5))"; done > labels.txt
hannoyctl build chunks --input base.fbin --labels labels.txt
cp -r chunks old; cp -r chunks copy; cp -r chunks a; cp -r chunks b
hannoyctl export chunks --output words.npy --keys words.txt
hannoyctl export chunks --output vectors.jsonl.gz; cp vectors.jsonl.gz changes.jsonl.gz
mkdir parts; hannoyctl export chunks --output parts/1.csv.gz
mkdir -p go/src/strings go/src/os
for i in $(seq 1100); do printf '// Name%d counts words.\nfunc Name%d() {}\n\n' $i $i; done | cat <(printf 'package strings\n\n') - > go/src/strings/strings.go
printf 'package os\n\n// ReadFile reads a file.\nfunc ReadFile() {}\n' > go/src/os/os.go
`

// cat is the item that some examples ask for; the others know row numbers only.
const cat = `hannoyctl put photos --key cat.jpg --vector 0.1,0.2,0.3 --label lang:en --value '{"likes": 7}' > put.txt
`

// TestHelpExamples runs the examples of every command's help, each in a world of its own.
func TestHelpExamples(t *testing.T) {
	made := t.TempDir()
	prepare(t, made, 3)
	for name, from := range map[string]string{"sift-128-euclidean.hdf5": "../../cmd/hannoy-convert/testdata/tiny.hdf5"} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(made, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := inBash(made, world); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, list, _ := strings.Cut(help(t), "\nAvailable Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	commands := commandLine.FindAllStringSubmatch(list, -1)
	if len(commands) < 20 {
		t.Fatalf("%d commands in the help", len(commands))
	}
	for _, command := range commands {
		name := command[1]
		if name == "help" || name == "completion" { // cobra's own
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			examples := examplesOf(t, name)
			if len(examples) == 0 {
				t.Error("the help has no example")
			}
			for i, line := range examples {
				if strings.Contains(line, "--watch") {
					continue // does not end by itself: watch.txtar
				}
				own := filepath.Join(t.TempDir(), fmt.Sprint(i))
				if out, err := exec.Command("cp", "-r", made, own).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				script := line
				if strings.Contains(line, "cat.jpg") {
					script = cat + line
				}
				if out, err := inBash(own, script); err != nil {
					t.Errorf("%s: %v\n%s", line, err, out)
				}
			}
		})
	}
}

// inBash runs a script of bash, whose demo has a standard library of its own and whose jq, which not every machine has, looks at
// nothing.
func inBash(dir, script string) ([]byte, error) {
	cmd := exec.Command("bash", "-c", "set -eu\nexport GOROOT=$PWD/go\njq() { cat; }\n"+script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	return cmd.CombinedOutput()
}
