// Package kv keeps records in LMDB and hands them out by snapshot.
//
// Its types: an [Env] is one open environment, a directory that any number of
// processes read while one at a time writes; a [Snapshot] is one commit of it,
// shared by the goroutines that read; a [Txn] is a write transaction; an [Index]
// is one index as a snapshot sees it, whose records package tables finds.
//
// kv does not know what a graph or a distance is.
//
// Bytes read through a Snapshot, an Index or a Txn lie in the memory map. They are
// valid until the snapshot is released or the transaction ends, and must be copied
// to live longer.
package kv
