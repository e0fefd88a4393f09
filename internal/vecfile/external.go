package vecfile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Converter is the program that reads and writes the formats which need large libraries. It lies beside the program
// that runs, or on the PATH.
const Converter = "hannoy-convert"

// external reports whether the format is the Converter's.
func (f Format) external() bool { return f == Parquet || f == HDF5 }

// splitPart parts the name of an HDF5 file from the dataset that follows it: "sift.hdf5#test".
func splitPart(name string) (file, part string) {
	if i := strings.LastIndexByte(name, '#'); i > 0 {
		switch strings.ToLower(filepath.Ext(name[:i])) {
		case ".hdf5", ".h5":
			return name[:i], name[i+1:]
		}
	}
	return name, ""
}

func findConverter(name string, format Format) (string, error) {
	if own, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(own), Converter); isProgram(beside) {
			return beside, nil
		}
	}
	path, err := exec.LookPath(Converter)
	if err != nil {
		return "", &Error{File: name, Row: -1, Offset: -1, Err: err,
			Problem: fmt.Sprintf("%s needs the program %s, which is neither beside this one nor on the PATH", format, Converter),
			Hint:    "go install github.com/hannoydb/hannoy/cmd/" + Converter + "@latest"}
	}
	return path, nil
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// openExternal reads a file through the Converter.
func openExternal(name string, opts *Options) (*Reader, error) {
	path, part := splitPart(name)
	if path == Stdin {
		return nil, fileError(name, string(opts.Format)+" cannot be read from standard input: its index stands at the end", "save it to a file first")
	}
	file, _, err := openFile(path) // for the message if it is not there
	if err != nil {
		return nil, err
	}
	file.Close()
	program, err := findConverter(name, opts.Format)
	if err != nil {
		return nil, err
	}
	if part == "" {
		part = opts.Part
	}
	args := []string{"read"}
	if part != "" {
		args = append(args, "-part", part)
	}
	if len(opts.Columns) > 0 {
		args = append(args, "-columns", strings.Join(opts.Columns, ","))
	}
	if opts.Bits {
		args = append(args, "-bits")
	}
	p := &process{name: name, cmd: exec.Command(program, append(args, path)...)}
	p.cmd.Stderr = &p.stderr
	if p.out, err = p.cmd.StdoutPipe(); err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, &Error{File: name, Row: -1, Offset: -1, Problem: err.Error(), Err: err}
	}
	inner := *opts
	inner.Format = Rows
	r, err := NewReader(p, name, -1, &inner)
	if err != nil {
		if p.kill(); p.failure != nil && !p.killed {
			err = p.failure
		}
		return nil, err
	}
	r.format, r.closers = opts.Format, append(r.closers, p.kill)
	return r, nil
}

// A process is a Converter at work; reading it reads what it writes.
type process struct {
	name    string
	cmd     *exec.Cmd
	out     io.Reader
	stderr  bytes.Buffer
	waited  bool
	killed  bool  // before it had ended by itself
	failure error // what it said
}

func (p *process) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	if err == io.EOF {
		if p.wait(); p.failure != nil {
			err = p.failure
		}
	}
	return n, err
}

// wait ends the process and keeps what it said.
func (p *process) wait() {
	if p.waited {
		return
	}
	p.waited = true
	if err := p.cmd.Wait(); err != nil {
		text := strings.TrimSpace(p.stderr.String())
		if text == "" {
			text = err.Error()
		}
		p.failure = fileError(p.name, text, "")
	}
}

// kill ends a process that may still be writing.
func (p *process) kill() {
	if !p.waited {
		p.killed = true
		_ = p.cmd.Process.Kill()
		_, _ = io.Copy(io.Discard, p.out)
		p.wait()
	}
}
