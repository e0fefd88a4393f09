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
// Some is there a third time: LMDB writes over nothing of the commit before the latest. A slot
// that holds an item in both holds the same one, so what either says of it is right.
//
// One damage is beyond it: a page that is as it was at an earlier commit, as a disk leaves it
// that has lost a write. It is told, and left, if its keys belong elsewhere or it leads to pages
// that are free since; and where other records contradict it, both are left behind. Where none
// does, it says what was true once: of a page of keys an earlier item may come back, or one with the
// key of its slot's last owner; of values or labels those of that owner. Nothing within such a record
// says when it was written. Only the digest over all records (Check) tells of such a file. Vectors
// are not concerned: a slab says of which batch it is.
//
// It does not know LMDB: the file is read by page (see package pages).
package salvage
