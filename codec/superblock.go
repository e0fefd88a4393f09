package codec

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// FormatVersion is the version of the format that this package writes.
// Every change of a record's layout gets a new one and a paragraph in FORMAT.md.
const FormatVersion = 1

// superblockMagic tells an environment of this format from any other LMDB file.
const superblockMagic = "HANNOY\r\n"

// byteOrderMark is stored in the machine's own byte order: LMDB's pages, and the
// vectors in slabs, are in that order, and a file moved to another kind of machine
// must be refused.
const byteOrderMark = 0x01020304

// Superblock describes the environment as a whole.
type Superblock struct {
	Version  uint32 // format version
	PageSize uint32 // bytes, LMDB's page size where the file was created
	Digest   uint64 // sum of RecordDigest over all other records
}

// RecordDigest is what a record adds to the digest of its environment. The digest is
// a sum, so a write changes it by what the record was and is; and it tells of what
// no checksum of one record can: a record that is gone, or is an older one.
func RecordDigest(key, value []byte) uint64 {
	if len(value) < SumBytes {
		return 0
	}
	// The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
	x := uint64(crc32.Checksum(key, castagnoli))<<32 | uint64(binary.LittleEndian.Uint32(value))
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// NewerFormatError says that a file was written by a newer version of this software.
type NewerFormatError struct {
	Version uint32 // of the file
}

// Error names both versions.
func (e *NewerFormatError) Error() string {
	return fmt.Sprintf("file has format version %d, this program reads up to %d (use a newer hannoy)", e.Version, FormatVersion)
}

// AppendSuperblock appends the value of the superblock record, still to be sealed.
func AppendSuperblock(dst []byte, s Superblock) []byte {
	dst = append(dst, make([]byte, SumBytes)...)
	dst = append(dst, superblockMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, s.Version)
	dst = binary.LittleEndian.AppendUint32(dst, s.PageSize)
	dst = binary.NativeEndian.AppendUint32(dst, byteOrderMark)
	return binary.LittleEndian.AppendUint64(dst, s.Digest)
}

// ParseSuperblock reads the body of a superblock record. A newer version gives a
// *NewerFormatError before anything that may have changed is looked at.
func ParseSuperblock(body []byte) (Superblock, error) {
	key := SuperblockKey()
	if len(body) < len(superblockMagic)+4 || string(body[:len(superblockMagic)]) != superblockMagic {
		return Superblock{}, corruptf(key, "no magic %q", superblockMagic)
	}
	b := body[len(superblockMagic):]
	s := Superblock{Version: binary.LittleEndian.Uint32(b)}
	if s.Version > FormatVersion {
		return s, &NewerFormatError{s.Version}
	}
	if len(b) != 20 {
		return s, corruptf(key, "%d bytes, version %d has %d", len(body), s.Version, len(superblockMagic)+20)
	}
	s.PageSize = binary.LittleEndian.Uint32(b[4:])
	if mark := binary.NativeEndian.Uint32(b[8:]); mark != byteOrderMark {
		return s, corruptf(key, "byte order mark %08x, this machine writes %08x (file is of another byte order)", mark, byteOrderMark)
	}
	s.Digest = binary.LittleEndian.Uint64(b[12:])
	return s, nil
}
