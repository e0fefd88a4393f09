//go:build hannoy_poison

package kv

import "testing"

// What is kept longer than its snapshot does not say any more what it said.
func TestPoison(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true})
	put(t, e, 1, "one")
	s := acquire(t, e)
	kept, err := s.Get(testKey(1))
	must(t, err)
	s.Release()
	if string(kept) == "one" {
		t.Error("borrowed bytes outlive their snapshot")
	}
}
