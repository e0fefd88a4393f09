package codec

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// A Kind is the kind of a record: the third byte of its key.
type Kind uint8

// The kinds of records, in key order. Kinds below KindMeta belong to the whole
// environment and stand under index 0; the others stand under the id of their index.
const (
	KindSuperblock Kind = 0x01 // the environment: magic, format version, page size
	KindName       Kind = 0x02 // index name -> index id
	KindMoved      Kind = 0x03 // these files are out of use: name of the directory of those that took their place

	KindMeta    Kind = 0x10 // parameters, counts and roots of an index
	KindSlot    Kind = 0x11 // key -> slot (byte keys)
	KindIDSlot  Kind = 0x12 // block of ids -> slots (uint32 ids)
	KindKey     Kind = 0x13 // block of slots -> keys (byte keys)
	KindSlotID  Kind = 0x14 // block of slots -> ids (uint32 ids)
	KindSet     Kind = 0x15 // one 65,536-slot chunk of a set of slots
	KindValue   Kind = 0x16 // slot -> the user's value
	KindVectors Kind = 0x17 // slab of stored vectors
	KindCodes   Kind = 0x18 // slab of codes
	KindMean    Kind = 0x19 // vector that codes are taken about
	KindRank    Kind = 0x1a // block of slots -> ranks
	KindLinks   Kind = 0x1b // block of links on a level
	KindLabel   Kind = 0x1c // one 65,536-slot chunk of the slots that have a label
	KindLabels  Kind = 0x1d // block of slots -> labels
)

var kindNames = map[Kind]string{
	KindSuperblock: "superblock", KindName: "name", KindMoved: "moved", KindMeta: "meta", KindSlot: "slot",
	KindIDSlot: "idslot", KindKey: "key", KindSlotID: "slotid", KindSet: "set", KindValue: "value",
	KindVectors: "vectors", KindCodes: "codes", KindMean: "mean", KindRank: "rank", KindLinks: "links",
	KindLabel: "label", KindLabels: "labels",
}

// String returns the kind's name as FORMAT.md and dumps use it.
func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return fmt.Sprintf("kind%#02x", uint8(k))
}

// IndexID numbers an index within its environment, from 1 up.
type IndexID uint16

// The longest names that an index and an item may have.
const (
	MaxIndexNameBytes = 128
	MaxKeyBytes       = 480
)

// MaxValueBytes is the longest value of an item. LMDB writes each with one call, and systems write less than 2 GiB
// with one.
const MaxValueBytes = 1 << 30

// prefixBytes is the length of what every key begins with: index id and kind.
const prefixBytes = 3

// AppendPrefix appends what the keys of all records of kind in the index begin with.
func AppendPrefix(dst []byte, id IndexID, kind Kind) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(id)), byte(kind))
}

// SuperblockKey is the key of the environment's superblock.
func SuperblockKey() []byte { return AppendPrefix(nil, 0, KindSuperblock) }

// MovedKey is the key of the record that says which files have taken the place of
// these.
func MovedKey() []byte { return AppendPrefix(nil, 0, KindMoved) }

// NameKey is the key of the record that maps an index name to its id.
func NameKey(name string) []byte { return append(AppendPrefix(nil, 0, KindName), name...) }

// MetaKey is the key of the metadata of an index.
func MetaKey(id IndexID) []byte { return AppendPrefix(nil, id, KindMeta) }

// MeanKey is the key of the vector that the codes of an index are taken about.
func MeanKey(id IndexID) []byte { return AppendPrefix(nil, id, KindMean) }

// AppendSlotKey appends the key of the record that maps an item's key to its slot.
func AppendSlotKey(dst []byte, id IndexID, key []byte) []byte {
	return append(AppendPrefix(dst, id, KindSlot), key...)
}

// AppendNumberKey appends the key of a record that is addressed by a number: a block,
// a slab or a slot.
func AppendNumberKey(dst []byte, id IndexID, kind Kind, number uint32) []byte {
	return binary.BigEndian.AppendUint32(AppendPrefix(dst, id, kind), number)
}

// AppendSetKey appends the key of one chunk of a set.
func AppendSetKey(dst []byte, id IndexID, set Set, chunk uint16) []byte {
	return binary.BigEndian.AppendUint16(append(AppendPrefix(dst, id, KindSet), byte(set)), chunk)
}

// An Edition is one of the two places of the links of level 0, of which the metadata
// names the one that holds: a build that must not hold all that it has changed in memory
// at once writes the level anew in the other, some at a time.
type Edition uint8

// Other is the edition that e is not.
func (e Edition) Other() Edition { return 1 - e }

// editionShift is where the edition stands in the byte of the level.
const editionShift = 7

// AppendLinksKey appends the key of a block of links of level 0.
func AppendLinksKey(dst []byte, id IndexID, edition Edition, block uint32) []byte {
	return binary.BigEndian.AppendUint32(AppendLinksPrefix(dst, id, edition), block)
}

// AppendLinksPrefix appends what the keys of all blocks of links of level 0 begin with.
func AppendLinksPrefix(dst []byte, id IndexID, edition Edition) []byte {
	return append(AppendPrefix(dst, id, KindLinks), byte(edition)<<editionShift)
}

// AppendTowersKey appends the key of a block of links on a level above 0.
func AppendTowersKey(dst []byte, id IndexID, level int, block uint32) []byte {
	return binary.BigEndian.AppendUint32(AppendTowersPrefix(dst, id, level), block)
}

// AppendTowersPrefix appends what the keys of all blocks of links on a level above 0 begin
// with.
func AppendTowersPrefix(dst []byte, id IndexID, level int) []byte {
	return append(AppendPrefix(dst, id, KindLinks), byte(level))
}

// ParsedKey is a record key taken apart. Which of the last fields has a meaning
// depends on the kind.
type ParsedKey struct {
	Index   IndexID
	Kind    Kind
	Set     Set
	Level   int
	Edition Edition // of level 0
	Number  uint32  // block, slab, chunk or slot
	Name    []byte  // index name, item key or label; borrows from the key
}

// ParseKey takes a record key apart.
func ParseKey(key []byte) (ParsedKey, error) {
	if len(key) < prefixBytes {
		return ParsedKey{}, fmt.Errorf("record key %x is shorter than %d bytes: %w", key, prefixBytes, ErrCorrupt)
	}
	p := ParsedKey{Index: IndexID(binary.BigEndian.Uint16(key)), Kind: Kind(key[2])}
	rest := key[prefixBytes:]
	want := 0
	switch p.Kind {
	case KindSuperblock, KindMoved, KindMeta, KindMean:
	case KindName, KindSlot:
		p.Name = rest
		want = len(rest)
	case KindSet:
		if want = 3; len(rest) == want {
			p.Set, p.Number = Set(rest[0]), uint32(binary.BigEndian.Uint16(rest[1:]))
		}
	case KindLinks:
		if want = 5; len(rest) == want {
			p.Level, p.Edition, p.Number = int(rest[0]&(1<<editionShift-1)), Edition(rest[0]>>editionShift), binary.BigEndian.Uint32(rest[1:])
			if p.Level > 0 && p.Edition != 0 {
				return p, fmt.Errorf("record key %x is of another edition of level %d: %w", key, p.Level, ErrCorrupt)
			}
		}
	case KindLabel:
		label, chunk, ok := splitLabelKey(rest)
		if !ok {
			return p, fmt.Errorf("record key %x is not that of a label's chunk: %w", key, ErrCorrupt)
		}
		p.Name, p.Number = label, uint32(chunk)
		want = len(rest)
	case KindIDSlot, KindKey, KindSlotID, KindValue, KindVectors, KindCodes, KindRank, KindLabels:
		if want = 4; len(rest) == want {
			p.Number = binary.BigEndian.Uint32(rest)
		}
	default:
		return p, fmt.Errorf("record key %x has unknown kind %#02x: %w", key, uint8(p.Kind), ErrCorrupt)
	}
	if len(rest) != want {
		return p, fmt.Errorf("record key %x has %d bytes after its kind, %s has %d: %w", key, len(rest), p.Kind, want, ErrCorrupt)
	}
	return p, nil
}

// FormatKey renders a record key for people: "links index=1 level=0 block=17".
func FormatKey(key []byte) string {
	p, err := ParseKey(key)
	if err != nil {
		return fmt.Sprintf("%x", key)
	}
	switch p.Kind {
	case KindSuperblock, KindMoved:
		return p.Kind.String()
	case KindName:
		return fmt.Sprintf("name %q", p.Name)
	case KindMeta, KindMean:
		return fmt.Sprintf("%s index=%d", p.Kind, p.Index)
	case KindSlot:
		return fmt.Sprintf("slot index=%d key=%q", p.Index, p.Name)
	case KindSet:
		return fmt.Sprintf("set index=%d set=%s chunk=%d", p.Index, p.Set, p.Number)
	case KindLabel:
		return fmt.Sprintf("label index=%d label=%q chunk=%d", p.Index, p.Name, p.Number)
	case KindLinks:
		if p.Edition != 0 {
			return fmt.Sprintf("links index=%d level=%d edition=%d block=%d", p.Index, p.Level, p.Edition, p.Number)
		}
		return fmt.Sprintf("links index=%d level=%d block=%d", p.Index, p.Level, p.Number)
	case KindVectors, KindCodes:
		return fmt.Sprintf("%s index=%d slab=%d", p.Kind, p.Index, p.Number)
	case KindValue:
		return fmt.Sprintf("value index=%d slot=%d", p.Index, p.Number)
	}
	return fmt.Sprintf("%s index=%d block=%d", p.Kind, p.Index, p.Number)
}

// ID returns the key of a uint32 id: its four bytes, big-endian, so that keys sort
// as ids do.
func ID(id uint32) []byte { return AppendID(nil, id) }

// AppendID appends the key of a uint32 id.
func AppendID(dst []byte, id uint32) []byte { return binary.BigEndian.AppendUint32(dst, id) }

// QuoteKey is an item's key as messages name it: an id in decimal, bytes in quotes.
func QuoteKey(ids bool, key []byte) string {
	if ids {
		if id, err := ParseID(key); err == nil {
			return strconv.FormatUint(uint64(id), 10)
		}
	}
	return strconv.Quote(string(key))
}

// ParseID returns the id whose key is given.
func ParseID(key []byte) (uint32, error) {
	if len(key) != 4 {
		return 0, fmt.Errorf("key %q has %d bytes, a uint32 id has 4", key, len(key))
	}
	return binary.BigEndian.Uint32(key), nil
}
