// Package pages reads the data file of an LMDB environment page by page, without
// LMDB, without a memory map and without trusting a byte of it.
//
// Its types: a [File] is the file with its two meta pages; a [Meta] is one commit:
// the roots of two B-trees, of the records and of the free list, and the last page;
// a [Value] is the value of a record, in its leaf page or in a run of overflow pages
// of its own. [File.Walk] proves that a commit is what LMDB would have written;
// [File.Salvage] finds what is left of one that is not.
//
// LMDB believes what it reads: it follows page numbers, offsets and sizes out of its
// map, and asserts. What Walk has found sound, LMDB can be let loose upon. A walk
// touches each page of the trees once, needs a bit of memory per page and a page per
// level, and ends whatever the file holds.
//
// The format is that of LMDB 0.9 (data version 1) on 64-bit machines, in the byte
// order of this machine, without duplicate keys and without named databases.
package pages
