package main

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := run(os.Args[1:]); err != nil {
			os.Exit(failed)
		}
		return
	}
	os.Exit(m.Run())
}

// The campaigns in short: the make target faults runs them longer.
func TestDamage(t *testing.T) {
	for _, c := range []campaign{
		{kind: "bitflips", mode: "untrusted", n: 300},
		{kind: "pages", mode: "untrusted", n: 150},
	} {
		if s := short(t, &c, c.inChildren); s.Outcomes[right]+s.Outcomes[refused]+s.Outcomes[older] != c.n || s.Outcomes[refused] == 0 {
			t.Errorf("%+v", s)
		}
	}
}

func TestKills(t *testing.T) {
	c := campaign{kind: "kill", n: 40}
	if s := short(t, &c, c.kills); s.Outcomes[right] != c.n || s.Killed < c.n/4 {
		t.Errorf("%+v", s)
	}
}

func TestPower(t *testing.T) {
	needTracing(t)
	c := campaign{kind: "power", n: 60}
	if s := short(t, &c, c.inChildren); s.Outcomes[right] != c.n {
		t.Errorf("%+v", s)
	}
}

func TestCalls(t *testing.T) {
	needTracing(t)
	c := campaign{kind: "calls", n: 12}
	if s := short(t, &c, c.calls); s.Outcomes[right]+s.Outcomes[refused] != c.n || s.Outcomes[refused] == 0 {
		t.Errorf("%+v", s)
	}
}

func TestFullDisk(t *testing.T) {
	c := campaign{kind: "full", mode: "tmpfs", n: 4}
	s, err := c.conduct(c.full)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", s)
	if s.Outcomes[right]+s.Outcomes[refused] != s.Trials || s.Trials > 0 && s.Outcomes[refused] == 0 {
		t.Errorf("%+v", s)
	}
	if len(s.Skipped) > 0 {
		t.Skip(s.Skipped)
	}
}

func TestReaders(t *testing.T) {
	c := campaign{kind: "readers", n: 6, duration: time.Second}
	if s := short(t, &c, c.readers); s.Outcomes[right] != c.n || s.Answers == 0 {
		t.Errorf("%+v", s)
	}
}

func TestSoak(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	c := campaign{kind: "soak", seed: 1, duration: 2 * time.Second}
	s, err := c.soak()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", s)
	// What comes and goes: a reader's pipes and who reads them, a build's threads.
	if s.Most.Descriptors > s.First.Descriptors+20 || s.Most.Goroutines > s.First.Goroutines+20 || s.Most.Slots > 20 {
		t.Errorf("%+v", s)
	}
}

// short runs a campaign. Its seed is always the same: it is for the long campaigns to
// find what nobody has found before.
func short(t *testing.T, c *campaign, work func(dir string, s *summary) error) *summary {
	t.Helper()
	c.seed = 1
	s, err := c.conduct(work)
	if err != nil {
		t.Fatalf("%s -seed %d: %v", c.kind, c.seed, err)
	}
	t.Logf("%+v", s)
	if s.Trials != c.n {
		t.Errorf("%d trials of %d", s.Trials, c.n)
	}
	return s
}

func needTracing(t *testing.T) {
	t.Helper()
	if err := traceable(t.TempDir()); err != nil {
		t.Skip(err)
	}
}

func TestRepairs(t *testing.T) {
	s, err := (&campaign{kind: "repair", seed: 2, from: 22, n: 1}).repairs()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", s)
	if s.Least < 0.9 { // a campaign has .98; of one trial one unlucky page is a greater share
		t.Errorf("%+v", s)
	}
}
