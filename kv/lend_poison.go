//go:build hannoy_poison

package kv

import "sync"

// lender lends copies, and spoils them when they are to be given back.
type lender struct {
	mu   sync.Mutex
	lent [][]byte // mu
}

const poisoning = true

func (l *lender) lend(b []byte) []byte {
	if b == nil {
		return nil
	}
	c := append(make([]byte, 0, len(b)+1), b...)
	l.mu.Lock()
	l.lent = append(l.lent, c)
	l.mu.Unlock()
	return c
}

func (l *lender) takeBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.lent {
		for i := range b {
			b[i] = 0xdb
		}
	}
	l.lent = nil
}
