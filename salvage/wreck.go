package salvage

import (
	"context"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
)

// Wreck is what is left of an environment.
type Wreck struct {
	Indexes    []*Index // by id
	Pages      pages.Wreck
	BadRecords int // whose checksum or form is wrong; slabs and values of the user's apart

	file   *pages.File
	byID   map[codec.IndexID]*Index
	bad    map[string]bool // keys of bad records of the tree
	buffer []byte
}

// Index is what is left of an index.
type Index struct {
	ID   codec.IndexID
	Name string      // "" if it is lost
	Meta *codec.Meta // nil if it is lost; of an older commit if Current is false

	Current bool // the metadata are those of the latest commit

	wreck   *Wreck
	forward map[string][]claim // key -> slots; several of orphans
	back    map[uint32]string  // slot -> key
	empty   *roaring.Bitmap    // dead and free slots
	in      *roaring.Bitmap    // see occupied
	slabs   map[uint32]slab    // to which the tree leads
	orphans map[uint32]slab    // to which it does not, the latest of each
	values  map[uint32]*pages.Value
	before  *before // nil: unknown
	looked  bool    // for it

	labels map[uint32][]string        // slot -> labels
	blocks map[uint32]bool            // blocks of labels that were found
	sets   map[string]*roaring.Bitmap // label -> slots
}

// claim is a record that maps a key to a slot.
type claim struct {
	slot uint32
	from pages.Origin
}

// slab is where a slab of vectors lies.
type slab struct {
	value    *pages.Value
	sequence uint64 // of an orphan
}

// maxRecordBytes is what the largest record but the user's values may have.
const maxRecordBytes = 1 << 27

// Read searches the file. Where a meta page is damaged, it may be the newest: then the
// latest commit is found by its metadata, if its pages are there.
func Read(ctx context.Context, file *pages.File) (*Wreck, error) {
	w, err := read(ctx, file, nil)
	if err != nil || !file.InDoubt() {
		return w, err
	}
	for _, x := range w.Indexes {
		tree, err := x.later(ctx, file)
		if err != nil {
			return nil, err
		}
		if tree == nil {
			continue
		}
		later, err := read(ctx, file, tree)
		if err != nil {
			return nil, err
		}
		if later.index(x.ID).found() {
			return later, nil
		}
	}
	return w, nil
}

// later returns the tree with the latest metadata of the index in all of the file, the
// deepest of those that share them; nil if that is the one at hand.
func (x *Index) later(ctx context.Context, file *pages.File) (best *pages.Tree, err error) {
	sequence := uint64(0)
	if x.Current {
		sequence = x.Meta.Sequence + 1
	}
	key := codec.MetaKey(x.ID)
	var buffer []byte
	err = file.Strays(ctx, key, func(t *pages.Tree, value *pages.Value) error {
		record, err := value.Append(buffer[:0], maxRecordBytes)
		if err != nil {
			return nil
		}
		buffer = record
		body, err := codec.Open(key, record)
		if err != nil {
			return nil
		}
		meta, err := codec.ParseMeta(key, body)
		if err != nil || meta.Sequence < sequence || meta.Sequence == sequence && best != nil && t.Depth <= best.Depth {
			return nil
		}
		best, sequence = t, meta.Sequence
		return nil
	})
	return best, err
}

// found reports whether most of the items are there that the metadata count, and hardly any
// record contradicts another. That is not so where a process was killed while it wrote the
// commit, which then never was one: the pages that it did not come to are older.
func (x *Index) found() bool {
	var lost Losses
	return x.Current && 10*len(x.assign(&lost)) >= 9*x.Meta.Len() && 100*lost.Conflicts <= x.Meta.Len()
}

// read searches the file by a tree; see [pages.File.Salvage].
func read(ctx context.Context, file *pages.File, tree *pages.Tree) (*Wreck, error) {
	w := &Wreck{file: file, byID: map[codec.IndexID]*Index{}, bad: map[string]bool{}}
	found, err := file.Salvage(ctx, tree, w.record)
	if err != nil {
		return nil, err
	}
	w.Pages = *found
	for _, id := range slices.Sorted(maps.Keys(w.byID)) {
		w.Indexes = append(w.Indexes, w.byID[id])
	}
	return w, nil
}

func (w *Wreck) index(id codec.IndexID) *Index {
	x := w.byID[id]
	if x == nil {
		x = &Index{
			ID: id, wreck: w, forward: map[string][]claim{}, back: map[uint32]string{}, empty: roaring.New(),
			slabs: map[uint32]slab{}, orphans: map[uint32]slab{}, values: map[uint32]*pages.Value{},
			labels: map[uint32][]string{}, blocks: map[uint32]bool{}, sets: map[string]*roaring.Bitmap{},
		}
		w.byID[id] = x
	}
	return x
}

func (w *Wreck) record(from pages.Origin, key []byte, value *pages.Value) error {
	if key == nil {
		w.run(from, value)
		return nil
	}
	p, err := codec.ParseKey(key)
	if err != nil {
		return nil
	}
	// Of older versions, only what never changes is of use.
	if from == pages.Old && p.Kind != codec.KindMeta && p.Kind != codec.KindName {
		return nil
	}
	switch p.Kind {
	case codec.KindSuperblock, codec.KindMoved, codec.KindCodes, codec.KindMean, codec.KindRank, codec.KindLinks:
		return nil // a build makes them anew
	}
	if from == pages.Before && (p.Kind == codec.KindMeta || p.Kind == codec.KindName || !w.index(p.Index).looksBack()) {
		return nil
	}
	switch p.Kind {
	case codec.KindVectors:
		w.index(p.Index).addSlab(from, p.Number, slab{value: value.Keep()})
		return nil
	case codec.KindValue:
		w.index(p.Index).addValue(from, p.Number, value)
		return nil
	}
	w.buffer, err = value.Append(w.buffer[:0], maxRecordBytes)
	if err == nil {
		_, err = codec.Open(key, w.buffer)
	}
	if err == nil {
		err = codec.CheckForm(p, key, w.buffer, nil)
	}
	if err != nil {
		if from == pages.InTree {
			w.BadRecords++
			w.bad[string(key)] = true
		}
		return nil
	}
	return w.sound(from, p, key, w.buffer)
}

// run notes an overflow run that no record leads to, if it is a slab of vectors.
func (w *Wreck) run(from pages.Origin, value *pages.Value) {
	head, err := value.Append(nil, codec.SlabHeaderBytes)
	if err != nil {
		return
	}
	stamp, ok := codec.ParseStamp(head)
	size := int64(stamp.Slab.Bytes())
	if !ok || stamp.Kind != codec.KindVectors || size > value.Len() {
		return
	}
	whole, err := value.Append(nil, size)
	if err != nil || !stamp.Slab.SoundPieces(stamp.Key(), whole)[0] {
		return
	}
	x := w.index(stamp.Index)
	if from == pages.Before && !x.looksBack() {
		return
	}
	x.addSlab(from, stamp.Number, slab{value: value.Keep(), sequence: stamp.Sequence})
}

// addSlab keeps the slab, unless it is an orphan and there is a later one.
func (x *Index) addSlab(from pages.Origin, n uint32, s slab) {
	if from == pages.Before {
		x.before.slabs[n] = s
	} else if from == pages.InTree {
		x.slabs[n] = s
	} else if old, ok := x.orphans[n]; !ok || s.sequence > old.sequence {
		x.orphans[n] = s
	}
}

// addValue keeps the value of a slot, unless there is one from a better place.
func (x *Index) addValue(from pages.Origin, slot uint32, value *pages.Value) {
	if from == pages.Before {
		if x.settled(slot) {
			x.before.values[slot] = value.Keep()
		}
	} else if from == pages.InTree || x.values[slot] == nil {
		x.values[slot] = value.Keep()
	}
}

// sound notes what a sound record says.
func (w *Wreck) sound(from pages.Origin, p codec.ParsedKey, key, value []byte) error {
	body := value[codec.SumBytes:]
	if p.Kind == codec.KindName {
		id, err := codec.ParseIndexID(key, body)
		if x := w.index(id); err == nil && (x.Name == "" || from == pages.InTree) {
			x.Name = string(p.Name)
		}
		return nil
	}
	x := w.index(p.Index)
	switch p.Kind {
	case codec.KindMeta:
		meta, err := codec.ParseMeta(key, body)
		if err == nil && (x.Meta == nil || from == pages.InTree || !x.Current && meta.Sequence > x.Meta.Sequence) {
			x.Meta, x.Current = meta, from == pages.InTree
		}
	case codec.KindSlot:
		if slot, err := codec.ParseNumber(key, body); err == nil {
			x.claim(string(p.Name), claim{slot, from})
		}
	case codec.KindIDSlot:
		each(p, key, body, func(id, slot uint32) { x.claim(string(codec.ID(id)), claim{slot, from}) })
	case codec.KindSlotID:
		each(p, key, body, func(slot, id uint32) { x.keyOf(slot, string(codec.ID(id)), from) })
	case codec.KindKey:
		for i := range uint32(codec.BlockSlots) {
			if entry := codec.BlockEntry(value, i); len(entry) > 0 {
				x.keyOf(p.Number*codec.BlockSlots+i, string(entry), from)
			}
		}
	case codec.KindSet:
		if set, err := codec.ParseSet(key, body, uint16(p.Number)); err == nil && p.Set != codec.SetPending && from == pages.InTree {
			x.empty.Or(set)
		}
	case codec.KindLabel, codec.KindLabels:
		x.label(from, p, key, value)
	}
	return nil
}

// each calls fn with each pair of a flat block.
func each(p codec.ParsedKey, key, body []byte, fn func(number, to uint32)) {
	f, err := codec.ParseFlat(key, body)
	if err != nil {
		return
	}
	for i := range uint32(codec.FlatSpan) {
		if to, ok := f.Get(i); ok {
			fn(p.Number*codec.FlatSpan+i, to)
		}
	}
}

func (x *Index) claim(key string, c claim) {
	switch old := x.forward[key]; {
	case c.from == pages.Before && !x.settled(c.slot):
	case len(old) > 0 && old[0].from == pages.InTree:
	case c.from == pages.InTree:
		x.forward[key] = []claim{c}
	default:
		x.forward[key] = append(old, c)
	}
}

func (x *Index) keyOf(slot uint32, key string, from pages.Origin) {
	if from == pages.Before && !x.settled(slot) {
		return
	}
	if _, ok := x.back[slot]; !ok || from == pages.InTree {
		x.back[slot] = key
	}
}

func (x *Index) label(from pages.Origin, p codec.ParsedKey, key, value []byte) {
	if p.Kind == codec.KindLabel {
		set, err := codec.ParseSet(key, value[codec.SumBytes:], uint16(p.Number))
		if err != nil || from != pages.InTree {
			return
		}
		if x.sets[string(p.Name)] == nil {
			x.sets[string(p.Name)] = roaring.New()
		}
		x.sets[string(p.Name)].Or(set)
		return
	}
	if x.blocks[p.Number] && from != pages.InTree {
		return
	}
	x.blocks[p.Number] = x.blocks[p.Number] || from != pages.Before
	for i := range uint32(codec.BlockSlots) {
		slot := p.Number*codec.BlockSlots + i
		if from == pages.Before && !x.settled(slot) {
			continue
		}
		if labels, err := codec.ParseLabels(key, codec.BlockEntry(value, i)); err == nil && len(labels) > 0 {
			x.labels[slot] = labels
		}
	}
}
