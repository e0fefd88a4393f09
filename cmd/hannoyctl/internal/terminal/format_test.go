package terminal

import (
	"testing"
	"time"
)

func TestByteSize(t *testing.T) {
	for text, want := range map[string]ByteSize{"1": 1, "4096": 4096, "64MiB": 64 << 20, "1GiB": 1 << 30, "1.5GiB": 3 << 29,
		"500MB": 500e6, "2k": 2048, "1 GiB": 1 << 30, "1t": 1 << 40} {
		var got ByteSize
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "GiB", "1XiB", "1e30", "NaN", "many", "1Gi", "99999999TiB"} {
		var got ByteSize
		if err := got.Set(text); err == nil {
			t.Errorf("%q is %d, want an error", text, got)
		}
	}
	size := ByteSize(512 << 20)
	if size.String() != "512MiB" {
		t.Errorf("512 MiB reads %s", size.String())
	}
}

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := Thousands(n); got != want {
			t.Errorf("%d reads %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1536: "1.5 KiB", 5 << 40: "5.0 TiB", 1 << 60: "1048576.0 TiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d bytes read %s, want %s", n, got, want)
		}
	}
}

func TestBarLine(t *testing.T) {
	tests := []struct {
		done, total int64
		fraction    float64
		elapsed     time.Duration
		want        string
	}{
		{50, 200, 0.25, 10 * time.Second, "linking    25 % [=======>                      ] 50/200  5/s  30s left"},
		{200, 200, 1, 10 * time.Second, "linking   100 % [==============================] 200/200  20/s"},
		{0, 200, 0, 0, "linking     0 % [>                             ] 0/200"},
		{4000, -1, 0.5, 2 * time.Second, "linking    50 % [===============>              ] 4,000  2,000/s  2s left"},
		{4000, -1, -1, 2 * time.Second, "linking   4,000  2,000/s"},
	}
	for _, tt := range tests {
		s := &step{Phase: "linking", Done: tt.done, Total: tt.total, fraction: tt.fraction}
		s.complete(tt.elapsed)
		if got := s.line(); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
}
