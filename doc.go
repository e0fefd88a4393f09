// Package hannoy is an embedded, on-disk index for nearest-neighbour search: an
// HNSW graph whose vectors, links and keys are records of an LMDB environment.
//
// Its types: an [Index] maps keys to vectors, [Index.Update] changes items in
// batches, [Index.Build] links them into the graph, [Index.Search] finds the
// nearest. A [Snapshot], which [Index.View] hands out, is one commit to read from
// at leisure.
//
//	ix, err := hannoy.Open("photos.hannoy", &hannoy.Options{Dimensions: 768, Metric: hannoy.Cosine})
//	changed, err := ix.Update(ctx, func(b *hannoy.Batch) error { return b.Put(key, vector) })
//	report, err := ix.Build(ctx, nil)
//	hits, err := ix.Search(ctx, query, 10, nil)
//
// # What is promised
//
// Update and Build return when their commit is on disk. A crash at any moment loses
// nothing that was committed. Readers, in this process or others, each see one
// commit, never part of one, and wait for nobody. An answer always covers all
// items of its commit: those that no build has linked yet are compared one by one.
//
// # Labels and filters
//
// Items may have [Labels]. A [Filter] narrows a search to items with some labels, ids or
// keys; the search returns min(k, matches) items at any share of matches, wherever these
// lie.
//
// # Forms of search
//
// Near an item ([Index.SearchKey]), outwards for as long as one likes ([Index.Nearest]),
// within a distance and by groups ([SearchOptions]), many at once ([Index.SearchBatch]),
// by several vectors of one item ([Index.SearchFused]).
//
// # What to know
//
// One process writes at a time; others wait. Builds compute beside other writers
// and hold the write lock only to publish links. The graph that a build makes
// depends on the items and the seed, not on the number of threads. With
// [Options.AutoBuild] builds run by themselves.
//
// The files belong in a directory of a local file system: LMDB's locks do not work
// over networks. They are tied to byte order and page size. A directory that others may
// write to, or that belongs to a stranger, is refused unless HANNOY_ANYWHERE is set in
// the environment.
//
// The package needs cgo, for LMDB. A program that links another Go binding of LMDB
// as well will not build: LMDB's symbols collide. The tag lmdb_powerdns makes this
// package use github.com/PowerDNS/lmdb-go in place of github.com/bmatsuo/lmdb-go.
package hannoy
