package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hannoydb/hannoy"
)

// serveRead is the child that queries until its standard input ends: read DIR SEED KEYS PAUSE.
// Every answer is compared with a scan of its own snapshot, and with the model.
func serveRead(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("read of %d arguments", len(args))
	}
	seed, _ := strconv.ParseUint(args[1], 10, 64)
	keys, _ := strconv.Atoi(args[2])
	pause, _ := time.ParseDuration(args[3])
	var stop atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop.Store(true)
	}()
	m := model{work: &work{seed: seed, keys: keys}}
	ix, err := hannoy.Open(args[0], &hannoy.Options{ReadOnly: true})
	last := uint64(0)
	for first := true; err == nil && (first || !stop.Load()); first = false {
		err = ix.View(func(s *hannoy.Snapshot) error {
			n := s.Sequence()
			if n < last {
				return fmt.Errorf("sequence %d after %d", n, last)
			}
			last = n
			return compare(s, m.at(n), int(n))
		})
		if err == nil {
			fmt.Println("answer")
			time.Sleep(pause)
		}
	}
	if err != nil {
		fmt.Println("fail", err)
		return err
	}
	return ix.Close()
}

// readers lets many processes query while another works, and stops, wakes and kills
// some of them all the time. None may see an error, or an answer that is not that of
// its own snapshot. n is how many there are; it takes c.duration.
func (c *campaign) readers(scratch string, s *summary) error {
	dir := filepath.Join(scratch, "index")
	m := model{work: &work{seed: c.seed, keys: 300}}
	d, err := (&worker{dir: dir, work: m.work, steps: 20}).run()
	if err != nil {
		return err
	}
	s.Batches = int(d.acknowledged)
	crowd := make([]*reader, c.n)
	for i := range crowd {
		if crowd[i], err = startReader(c.programOf(i), dir, m.work, c.pause); err != nil {
			return err
		}
	}
	r, start := random(c.seed, 0), time.Now()
	for first := 20; time.Since(start) < c.duration; first += 1000 {
		over := make(chan struct{})
		go func() {
			defer close(over)
			c.disturb(crowd, dir, m.work, r, s, start.Add(c.duration))
		}()
		// The writer is killed, too, at the end.
		w := &worker{dir: dir, work: m.work, steps: 1000, first: first, killAfter: max(c.duration-time.Since(start), time.Millisecond)}
		if d, err := w.run(); err != nil {
			s.count(0, wrong, "writer: "+err.Error())
		} else {
			s.Batches = max(s.Batches, int(d.acknowledged))
		}
		<-over
	}
	for _, reader := range crowd {
		// All before the first is waited for: one that was stopped while LMDB entered it as a
		// reader makes the others wait.
		_ = reader.cmd.Process.Signal(syscall.SIGCONT)
	}
	for i, reader := range crowd {
		if err := reader.end(s); err != nil {
			s.count(i, wrong, err.Error())
		} else {
			s.count(i, right, "")
		}
	}
	ix, err := hannoy.Open(dir, workOptions())
	if err != nil {
		return err
	}
	if _, err := m.verify(ix, uint64(s.Batches), uint64(s.Batches)+1); err != nil {
		s.count(0, wrong, err.Error())
	}
	return ix.Close()
}

// programOf is the program that reader i runs.
func (c *campaign) programOf(i int) string {
	if c.other != "" && i%2 == 1 {
		return c.other
	}
	return os.Args[0]
}

// disturb stops, wakes and kills readers at random until the time is over.
func (c *campaign) disturb(crowd []*reader, dir string, w *work, r *rand.Rand, s *summary, end time.Time) {
	for time.Now().Before(end) {
		time.Sleep(time.Duration(1+r.IntN(20)) * time.Millisecond)
		i := r.IntN(len(crowd))
		p := crowd[i]
		switch r.IntN(6) {
		case 0:
			p.kill()
			s.Killed++
			var err error
			if crowd[i], err = startReader(c.programOf(i), dir, w, c.pause); err != nil {
				s.count(i, wrong, err.Error())
				return
			}
			s.Answers += int(p.answers.Load())
		case 1, 2:
			_ = p.cmd.Process.Signal(syscall.SIGSTOP)
			s.Stopped++
		default:
			_ = p.cmd.Process.Signal(syscall.SIGCONT)
		}
	}
}

// reader is a process that queries.
type reader struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	answers atomic.Int64
	said    chan string // what it says besides answers
}

func startReader(program, dir string, w *work, pause time.Duration) (*reader, error) {
	p := &reader{cmd: exec.Command(program, "read", dir, strconv.FormatUint(w.seed, 10), strconv.Itoa(w.keys), pause.String()), said: make(chan string, 1)}
	p.cmd.Env = append(os.Environ(), childVariable+"=1")
	p.cmd.Stderr = os.Stderr
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		var other strings.Builder
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() == "answer" {
				p.answers.Add(1)
			} else {
				other.WriteString(lines.Text() + "\n")
			}
		}
		p.said <- other.String()
	}()
	return p, nil
}

func (p *reader) kill() {
	_ = p.cmd.Process.Kill()
	<-p.said
	_ = p.cmd.Wait()
}

// end lets the reader come to its end.
func (p *reader) end(s *summary) error {
	p.stdin.Close()
	said := <-p.said
	err := p.cmd.Wait()
	s.Answers += int(p.answers.Load())
	if err != nil || said != "" {
		return errors.Join(err, errors.New(said))
	}
	return nil
}
