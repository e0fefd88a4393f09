package place

import (
	"os"
	"testing"
	"time"
)

func TestCommitTimes(t *testing.T) {
	c := TimesOf(t.TempDir())
	data, other := FileID{1, 2}, FileID{1, 3}
	if c.Read(data) != nil {
		t.Error("times without a file")
	}
	at := time.Unix(1_700_000_000, 0)
	for i := range 3 {
		c.Note(data, uint64(10*i), at.Add(time.Duration(i)*time.Second))
		c.Note(data, uint64(10*i+1), at.Add(time.Duration(i)*time.Second+time.Second/2)) // within the second
	}
	c.Note(other, 7, at.Add(time.Minute))
	times := c.Read(data)
	for _, tt := range []struct {
		commit, last uint64
		want         time.Time
	}{
		{0, 100, at.Add(time.Second)}, {9, 100, at.Add(time.Second)}, {10, 100, at.Add(2 * time.Second)},
		{20, 100, time.Time{}}, {0, 9, time.Time{}},
	} {
		if got := times.After(tt.commit, tt.last); !got.Equal(tt.want) {
			t.Errorf("after %d to %d: %v, want %v", tt.commit, tt.last, got, tt.want)
		}
	}
	c.Note(data, 99, at.Add(commitRing*time.Second))
	if times := c.Read(data); len(times) != 3 || !times[99].Equal(at.Add(commitRing*time.Second)) {
		t.Errorf("the ring holds %v", times)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := os.Truncate(c.path, 30); err != nil || len(c.Read(data)) != 0 {
		t.Errorf("a cut file: %v, %v", c.Read(data), err)
	}
}
