package reader

import "sync"

// matchesBytes bounds what the matches that a reader keeps take together. The oldest go
// first.
const matchesBytes = 64 << 20

// matchesCache keeps the matches of filters, by expression.
type matchesCache struct {
	mu    sync.RWMutex
	byKey map[any]*Matches
	order []any // of byKey, the oldest first
	bytes int
}

func (c *matchesCache) get(key any) *Matches {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byKey[key]
}

func (c *matchesCache) put(key any, m *Matches) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[key] != nil {
		return // another goroutine was faster
	}
	if c.byKey == nil {
		c.byKey = map[any]*Matches{}
	}
	c.byKey[key] = m
	c.order = append(c.order, key)
	c.bytes += m.bytes()
	for c.bytes > matchesBytes && len(c.order) > 1 {
		c.bytes -= c.byKey[c.order[0]].bytes()
		delete(c.byKey, c.order[0])
		c.order = c.order[1:]
	}
}
