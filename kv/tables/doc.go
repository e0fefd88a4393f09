// Package tables finds the records of one index as one snapshot sees them: links, keys,
// rows of vectors. What searches visit again and again is looked up and verified once;
// its address within the memory map is kept in a table, so that every further visit is a
// load instead of a B-tree descent. The tables of the next snapshot inherit from those
// of the one before what the commits in between have left where it was.
//
// It does not know LMDB, transactions, or when a snapshot ends: that is kv's, which
// opens an [Index] and frees it.
package tables
