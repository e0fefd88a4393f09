package pages

// Outline is the shape of the tree of records as of a commit: the numbers of all its
// branch and leaf pages. LMDB never changes a page that a commit uses, it writes a copy
// with another number, and takes pages that a commit has given up for new ones in the
// next but one at the earliest. So what is on a page of an outline is on the page of that
// number in the outline of a later commit, if the earlier commit was held all the time
// by a read transaction, or the later is one of the next two.
//
// An outline is constant. It shares with the one before what has not changed.
type Outline struct {
	mem    Memory
	commit uint64
	root   *branch
	budget uint64 // of branch pages, while it is made: damage could lead around in a circle
}

// branch is a branch page.
type branch struct {
	page   uint64
	commit uint64 // of the outline that has read it
	kids   []*branch
	leaves []uint64 // on the lowest level, in place of kids
}

// Outline reads the outline of a commit, which a read transaction must hold. It reads
// the branch pages that are not in the outline before, which may be nil. It returns nil
// if there is a newer commit, or if the pages are not as they should be.
func (m Memory) Outline(commit uint64, before *Outline) *Outline {
	tree, ok := m.tree(commit)
	if !ok {
		return nil
	}
	o := &Outline{mem: m, commit: commit, budget: tree.Branches}
	if tree.Depth == 1 {
		o.root = &branch{commit: commit, leaves: []uint64{tree.Root}}
		return o
	}
	var old []*branch
	if before != nil {
		old = []*branch{before.root}
	}
	o.root = o.read(tree.Root, int(tree.Depth)-2, old)
	if o.root == nil {
		return nil
	}
	return o
}

// nearBranches is how many branches next to each other are searched for one that has
// not changed, and nearLeaves is the same of leaves. What is not found counts as changed.
const (
	nearBranches = 4
	nearLeaves   = 8
)

// read reads the branch page n, which has so many levels of branches below it. old are
// the branches in whose place it may have come.
func (o *Outline) read(n uint64, below int, old []*branch) *branch {
	page := o.mem.bytes(n)
	if page == nil || number(page) != n || pageFlags(page) != flagBranch || count(page) == 0 || o.budget == 0 {
		return nil
	}
	o.budget--
	b := &branch{page: n, commit: o.commit}
	keys := count(page)
	if below == 0 {
		b.leaves = make([]uint64, 0, keys)
	} else {
		b.kids = make([]*branch, 0, keys)
	}
	var before []*branch
	for _, b := range old {
		before = append(before, b.kids...)
	}
	at := 0
	for i := range keys {
		node, _, _, ok := nodeAt(page, i)
		if !ok {
			return nil
		}
		if below == 0 {
			b.leaves = append(b.leaves, node.page)
			continue
		}
		kid := (*branch)(nil)
		for j := at; j < min(at+nearBranches, len(before)); j++ {
			if before[j].page == node.page {
				kid, at = before[j], j+1
				break
			}
		}
		if kid == nil {
			near := before[max(at-1, 0):min(at+2, len(before))]
			if kid = o.read(node.page, below-1, near); kid == nil {
				return nil
			}
			at = min(at+1, len(before))
		}
		b.kids = append(b.kids, kid)
	}
	return b
}

// lowest appends the branches of the lowest level to dst.
func (b *branch) lowest(dst []*branch) []*branch {
	if b.kids == nil {
		return append(dst, b)
	}
	for _, kid := range b.kids {
		dst = kid.lowest(dst)
	}
	return dst
}

// Change is a stretch of the tree in which records have changed or moved: no other
// records between Low and High have kept their addresses but those whose values have
// pages of their own.
type Change struct {
	Low, High []byte // keys that have not changed: those between them may have; nil: no bound
	Long      []Long // the records between them whose values have pages of their own
}

// Long is a record whose value has pages of its own.
type Long struct{ Key, Value []byte }

// Changes calls visit with the changes since the outline before, in key order. What it is
// given is valid until it returns, but the bytes while a read transaction holds the
// commit. It returns false if the pages are not as they should be; then visit was not
// told of all.
func (o *Outline) Changes(before *Outline, visit func(*Change)) bool {
	old, now := before.root.lowest(nil), o.root.lowest(nil)
	c := changes{o: o, visit: visit, ok: true}
	for i := 0; ; i++ {
		// A branch that o has not read itself is in both.
		shared := i < len(now) && now[i].commit != o.commit
		if shared {
			for len(old) > 0 && old[0] != now[i] {
				c.old = append(c.old, old[0].leaves...)
				old = old[1:]
			}
			if len(old) == 0 {
				return false
			}
		} else if i == len(now) {
			for _, b := range old {
				c.old = append(c.old, b.leaves...)
			}
		} else {
			c.now = append(c.now, now[i].leaves...)
			continue
		}
		if shared {
			c.compare(now[i].leaves[0])
			c.last = now[i].leaves[len(now[i].leaves)-1]
			old = old[1:]
			continue
		}
		c.compare(0)
		return c.ok
	}
}

// changes is a comparison of the leaves of two outlines at work.
type changes struct {
	o        *Outline
	visit    func(*Change)
	old, now []uint64 // leaves to compare
	last     uint64   // the unchanged leaf before these; 0: none
	long     []Long
	ok       bool
}

// compare tells of the changes among the leaves; next is the unchanged leaf after them,
// 0 for none.
func (c *changes) compare(next uint64) {
	old, now := c.old, c.now
	for len(old) > 0 || len(now) > 0 {
		if len(old) > 0 && len(now) > 0 && old[0] == now[0] {
			c.last, old, now = now[0], old[1:], now[1:]
			continue
		}
		i, j := meet(old, now)
		end := next
		if j < len(now) {
			end = now[j]
		}
		c.tell(now[:j], end)
		old, now = old[i:], now[j:]
	}
	c.old, c.now = c.old[:0], c.now[:0]
}

// meet returns how many leaves of each come before the next that both have: all, if
// there is none.
func meet(old, now []uint64) (i, j int) {
	for from := 0; from < max(len(old), len(now)); from++ {
		for ahead := range nearLeaves {
			if from+ahead < len(now) && from < len(old) && old[from] == now[from+ahead] {
				return from, from + ahead
			}
			if from+ahead < len(old) && from < len(now) && old[from+ahead] == now[from] {
				return from + ahead, from
			}
		}
	}
	return len(old), len(now)
}

// tell calls visit with a change: the leaves are new, and next is the unchanged one
// after them.
func (c *changes) tell(leaves []uint64, next uint64) {
	change := Change{}
	c.long = c.long[:0]
	if c.last != 0 {
		change.Low = c.edge(c.last, true)
	}
	if next != 0 {
		change.High = c.edge(next, false)
	}
	for _, n := range leaves {
		page, keys := c.leaf(n)
		for i := range keys {
			node, _, _, ok := nodeAt(page, i)
			if c.ok = c.ok && ok; ok && node.page != 0 {
				value := c.o.mem.run(node.page, node.size)
				c.ok = c.ok && value != nil
				c.long = append(c.long, Long{node.key, value})
			}
		}
	}
	change.Long = c.long
	c.visit(&change)
}

// edge is the first or the last key of a leaf.
func (c *changes) edge(n uint64, last bool) []byte {
	page, keys := c.leaf(n)
	if keys == 0 {
		return nil
	}
	at := 0
	if last {
		at = keys - 1
	}
	node, _, _, ok := nodeAt(page, at)
	c.ok = c.ok && ok
	return node.key
}

// leaf returns a leaf page and how many nodes it has.
func (c *changes) leaf(n uint64) (page []byte, keys int) {
	page = c.o.mem.bytes(n)
	if page == nil || number(page) != n || pageFlags(page) != flagLeaf || count(page) == 0 {
		c.ok = false
		return nil, 0
	}
	return page, count(page)
}
