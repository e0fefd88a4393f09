// Package writer turns changes into records and records into a graph.
//
// [Create] makes an index, [Apply] commits a batch of puts and deletes, [Build]
// links what is pending and repairs around what is dead. A batch is one write
// transaction: atomic, durable, visible when Apply returns. A build computes from
// snapshots beside other writers and holds the write lock only for the moments in
// which it publishes links; each publication leaves a complete, searchable graph.
package writer
