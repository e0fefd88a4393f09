// Package graph is the HNSW graph as those see it who search it, and who check it. It knows
// slots and distances only: no vectors, no bytes, no storage. Package linking makes
// and changes such a graph.
//
// # Terminology
//
//   - Slot: the number of one stored vector.
//   - Links: the neighbours of a slot on a level. The graph is symmetric: a is
//     among the links of b exactly when b is among the links of a.
//   - Level: 0 holds every linked slot; a slot of level l is on the levels 0..l.
//     The level is drawn from a hash of the key (linking.Level), so that each level
//     above 0 holds about 1/M of the slots of the one below. A slot at no distance
//     from one that is linked stays on level 0.
//   - M, M0: the most links of a slot on a level above 0, and on level 0.
//   - Rank: a number, unique among the linked slots, that rises in the order in
//     which they were linked. 0 is the rank of a slot that is not linked.
//   - Root: the slot of lowest rank on a level.
//   - Entry point: the root of the top level, where a search begins.
//   - Ef: how many nearest slots a search keeps while it walks (the beam's width);
//     EfConstruction is the ef of the searches that a build makes.
//   - Elastic: a beam whose width follows the query, see [Width]; ef is its width on
//     average. Spread: how fast distances grow with the rank of a neighbour.
//   - Hop: the visit of one slot: its links are read, and the distances to those
//     not seen before are computed.
//   - Stream: a beam of no given width, which is widened and goes on where it stood, for
//     searches that do not know how many slots they will want.
//   - Round: one step of a build. A batch of new slots is searched against the
//     frozen graph, then all their links are added at once.
//   - Certificate: on every level each slot but the root has a neighbour of lower
//     rank. A slot which lost it is an orphan.
//
// # Invariants
//
// After every round and every removal, and so in every graph that is
// committed between them:
//
//  1. Links are symmetric, sorted, without repeats and without the slot itself,
//     and lead only to slots that are on the same level.
//  2. No list is longer than M, or M0 on level 0.
//  3. A slot on level l is on all levels below.
//  4. The certificate holds.
//
// From 1 and 4 it follows that every level is connected: from any slot, steps to
// a neighbour of lower rank end at the root, and by symmetry the way back exists.
// No walk over the whole graph is needed to know it, only a look at the lists
// that changed. [Check] proves it both ways all the same.
//
// Symmetry makes in-neighbours known: a removed slot is referred to by its own
// links and by nothing else.
package graph
