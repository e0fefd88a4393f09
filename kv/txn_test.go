package kv

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/hannoydb/hannoy/codec"
)

// Add and AddFilled store what Put does, and leave what is there.
func TestAdd(t *testing.T) {
	e := open(t, filepath.Join(t.TempDir(), "env"), Options{Create: true})
	long := string(bytes.Repeat([]byte("long "), 3000))
	err := e.Update(ctx, func(txn *Txn) error {
		for n, text := range []string{"a", "b", long, long} {
			added, err := txn.Add(testKey(2*n), testValue(text))
			filled, ferr := txn.AddFilled(testKey(2*n+1), codec.SumBytes+len(text), func(value []byte) { copy(value[codec.SumBytes:], text) })
			if !added || !filled || err != nil || ferr != nil {
				t.Errorf("added %t, filled %t: %v", added, filled, errors.Join(err, ferr))
			}
		}
		added, err := txn.Add(testKey(1), testValue("other"))
		filled, ferr := txn.AddFilled(testKey(2), 100, func([]byte) { t.Error("filled over a record") })
		if added || filled || err != nil || ferr != nil {
			t.Errorf("added %t, filled %t where a record is: %v", added, filled, errors.Join(err, ferr))
		}
		if records, n := txn.Written(); records != 8 || n < int64(4*len(long)) {
			t.Errorf("%d records of %d bytes written", records, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s := acquire(t, e)
	defer s.Release()
	for n, want := range []string{"a", "a", "b", "b", long, long, long, long} {
		if got := get(t, s, n); got != want {
			t.Errorf("record %d is %.10q, want %.10q", n, got, want)
		}
	}
	if f := verified(t, e); f.Found != 0 {
		t.Errorf("%+v", f)
	}
}
