package main

import (
	"os"
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

// The campaigns in short: the make targets bitflips and pages-damage run them longer.
func TestCampaigns(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	for _, c := range []campaign{
		{kind: "bitflips", mode: "untrusted", n: 300},
		{kind: "pages", mode: "untrusted", n: 150},
	} {
		c.seed = seed
		s, err := c.run()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", s)
		if s.Trials != c.n || s.Outcomes[right]+s.Outcomes[refused] != c.n || s.Outcomes[refused] == 0 {
			t.Errorf("%s -seed %d: %v of %d trials: %v", c.kind, seed, s.Outcomes, s.Trials, s.Failed)
		}
	}
}

func TestRepairs(t *testing.T) {
	s, err := repairs(uint64(time.Now().UnixNano()), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", s)
	if s.Least < 0.9 { // a campaign has .98; of one trial one unlucky page is a greater share
		t.Errorf("%+v", s)
	}
}
