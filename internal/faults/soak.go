package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/hannoydb/hannoy"
)

// soaked says what a process used while it worked for long: the most in the first third
// of the time, and in all of it.
type soaked struct {
	Campaign   string  `json:"campaign"`
	Seed       uint64  `json:"seed"`
	Steps      int     `json:"steps"`
	Readers    int     `json:"readers"` // processes that came and went
	Answers    int     `json:"answers"` // that they got
	First      used    `json:"first"`
	Most       used    `json:"most"`
	RSSPerHour float64 `json:"rss_mib_per_hour"` // slope over the last two thirds
	FileRatio  float64 `json:"file_over_data"`   // the file's bytes over those of pages in use, at most, over the last two thirds
	Seconds    float64 `json:"seconds"`
}

type used struct {
	File        int64 `json:"file"` // bytes
	data        int64 // of them in pages in use
	RSS         int64 `json:"rss"` // bytes
	Descriptors int   `json:"descriptors"`
	Goroutines  int   `json:"goroutines"`
	Slots       int   `json:"slots"` // of readers
}

// verdict is an error if the process used more and more. The file is filled first, and the
// slope of memory means something in an hour.
func (s *soaked) verdict() error {
	grown := s.Most.Descriptors > s.First.Descriptors+20 || s.Most.Goroutines > s.First.Goroutines+20 || s.Most.Slots > 20
	if grown || s.Seconds >= 3600 && (s.RSSPerHour > 1 || s.Most.File > s.First.File*3/2) {
		return fmt.Errorf("soak -seed %d: from %+v to %+v, memory by %.1f MiB/h", s.Seed, s.First, s.Most, s.RSSPerHour)
	}
	return nil
}

// soak puts, deletes, builds, compacts and opens for c.duration, with c.pause between two of
// these, while reader processes come, query and go, every third killed.
func (c *campaign) soak() (*soaked, error) {
	scratch, err := scratch()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	dir := filepath.Join(scratch, "index")
	m := model{work: &work{seed: c.seed, keys: 5000}}
	ix, err := hannoy.Open(dir, workOptions())
	if err != nil {
		return nil, err
	}
	defer ix.Close()
	s := &soaked{Campaign: c.kind, Seed: c.seed}
	var line slope
	start, next := time.Now(), time.Now()
	var reading *reader
	for ; time.Since(start) < c.duration; s.Steps++ {
		if err := m.work.step(ix, s.Steps, io.Discard); err != nil {
			return nil, fmt.Errorf("step %d: %w", s.Steps, err)
		}
		if time.Sleep(c.pause); time.Now().Before(next) {
			continue
		}
		next = time.Now().Add(min(time.Second, c.duration/20))
		if reading, err = s.rotate(reading, dir, m.work, c.pause); err != nil {
			return nil, err
		}
		now, err := measure(ix)
		if err != nil {
			return nil, err
		}
		if time.Since(start) < c.duration/3 || s.First.Descriptors == 0 {
			s.First = s.First.most(now)
			s.Most = s.First
			continue
		}
		s.Most = s.Most.most(now)
		s.FileRatio = max(s.FileRatio, float64(now.File)/float64(now.data))
		line.add(time.Since(start).Hours(), float64(now.RSS)/(1<<20))
	}
	if _, err = s.rotate(reading, "", nil, 0); err != nil {
		return nil, err
	}
	s.RSSPerHour, s.Seconds = line.value(), time.Since(start).Seconds()
	return s, nil
}

// rotate ends the reader, and begins another if there is a directory to read.
func (s *soaked) rotate(old *reader, dir string, w *work, pause time.Duration) (*reader, error) {
	if old != nil {
		var answers summary
		if s.Readers++; s.Readers%3 == 0 {
			old.kill()
		} else if err := old.end(&answers); err != nil {
			return nil, fmt.Errorf("reader: %w", err)
		}
		s.Answers += answers.Answers
	}
	if dir == "" {
		return nil, nil
	}
	return startReader(os.Args[0], dir, w, pause)
}

// measure measures this process. Its heap is collected before, so that what is left
// counts.
func measure(ix *hannoy.Index) (*used, error) {
	debug.FreeOSMemory()
	stats, err := ix.Stats()
	if err != nil {
		return nil, err
	}
	u := &used{File: stats.Bytes.File, data: stats.Bytes.Data, Goroutines: runtime.NumGoroutine(), Slots: stats.Readers}
	descriptors, err := os.ReadDir("/proc/self/fd")
	statm, err2 := os.ReadFile("/proc/self/statm")
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	u.Descriptors = len(descriptors)
	// Pages that are resident, less those of files: the map is not ours.
	fields := strings.Fields(string(statm))
	resident, _ := strconv.ParseInt(fields[1], 10, 64)
	shared, _ := strconv.ParseInt(fields[2], 10, 64)
	u.RSS = (resident - shared) * int64(os.Getpagesize())
	return u, nil
}

func (u used) most(v *used) used {
	return used{
		File: max(u.File, v.File), RSS: max(u.RSS, v.RSS), Descriptors: max(u.Descriptors, v.Descriptors),
		Goroutines: max(u.Goroutines, v.Goroutines), Slots: max(u.Slots, v.Slots),
	}
}

// slope is that of a line through points, by least squares.
type slope struct{ n, x, y, xx, xy float64 }

func (s *slope) add(x, y float64) {
	s.n, s.x, s.y, s.xx, s.xy = s.n+1, s.x+x, s.y+y, s.xx+x*x, s.xy+x*y
}

func (s *slope) value() float64 {
	if d := s.n*s.xx - s.x*s.x; d != 0 {
		return (s.n*s.xy - s.x*s.y) / d
	}
	return 0
}
