// Package salvage finds the items that are left in a damaged environment.
//
// Its types: a [Wreck] is what a search of the file has found; an [Index] is one index
// of it, whose [Index.Items] yields the items that are sound: those whose key and
// vector are, byte for byte, as they were written. What a checksum does not vouch for
// is not returned.
//
// Most of what a file holds is there twice or can be made anew: keys map to slots and
// slots to keys, labels to slots and slots to labels; codes, ranks and links come of a
// build. Vectors are there once. A damaged slab gives the rows on its sound pages.
//
// One damage is beyond it: a page that is older than it should be, as a disk leaves it
// that has lost a write. What is on it is sound by itself. Where other records
// contradict it, both are left behind; where none does, an older key, value or label
// may come back. Only the digest over all records (Check) tells of such a file.
//
// It does not know LMDB: the file is read by page (see package pages).
package salvage
