// Package converter runs hannoy-convert, the program that reads and writes the formats which need large libraries.
package converter

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Name is that of the program. It lies beside the program that runs, or on the PATH.
const Name = "hannoy-convert"

// Find is the path of the program.
func Find() (string, error) {
	if own, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(own), Name); isProgram(beside) {
			return beside, nil
		}
	}
	return exec.LookPath(Name)
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// A Process is the program at work: reading it reads what it writes, writing to it is what it reads. It is for one
// goroutine.
type Process struct {
	cmd    *exec.Cmd
	out    io.ReadCloser
	in     io.WriteCloser
	failed func(text string) error
	stderr bytes.Buffer
	waited bool
	killed bool // before it had ended by itself
	err    error
}

// Start runs the program; failed makes an error of what it says if it fails.
func Start(program string, failed func(text string) error, args ...string) (*Process, error) {
	p := &Process{cmd: exec.Command(program, args...), failed: failed}
	p.cmd.Stderr = &p.stderr
	var err, inErr error
	p.out, err = p.cmd.StdoutPipe()
	p.in, inErr = p.cmd.StdinPipe()
	if err := cmp.Or(err, inErr); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

// Read reads what the program writes. Where that ends, the error is that of the program if it failed, else io.EOF.
func (p *Process) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	if err == io.EOF {
		err = cmp.Or(p.Wait(), err)
	}
	return n, err
}

// Write is what the program reads.
func (p *Process) Write(b []byte) (int, error) { return p.in.Write(b) }

// Wait waits until the program has ended, after all that is written to it, and returns its error.
func (p *Process) Wait() error {
	if p.waited {
		return p.err
	}
	p.waited = true
	closed := p.in.Close()
	if errors.Is(closed, os.ErrClosed) {
		closed = nil
	}
	if err := p.cmd.Wait(); err != nil {
		p.err = p.failed(cmp.Or(strings.TrimSpace(p.stderr.String()), err.Error()))
	}
	p.err = cmp.Or(p.err, closed)
	return p.err
}

// Kill ends the program if it is still at work.
func (p *Process) Kill() {
	if !p.waited {
		p.killed = true
		_ = p.cmd.Process.Kill()
		_, _ = io.Copy(io.Discard, p.out)
		_ = p.Wait()
	}
}

// Failure is what the program said when it failed by itself.
func (p *Process) Failure() error {
	if p.killed {
		return nil
	}
	return p.err
}
