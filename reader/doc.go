// Package reader answers queries from one snapshot of one index.
//
// A [Reader] joins the records that kv hands out, the distances of a kernel and
// the search of package graph. Slots that are pending are compared one by one and
// merged with what the graph finds, so that an answer covers all that the snapshot
// holds. A Reader is safe for concurrent use and dies with its snapshot; nothing
// that it returns points into the memory map.
package reader
