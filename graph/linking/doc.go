// Package linking makes and changes the graph of package graph: it draws levels, chooses neighbours,
// links new slots, mends the graph around removed ones, and keeps the certificate.
// It knows slots and distances only.
//
// A round reads the frozen graph from many goroutines and changes nothing until
// all searches have ended. Its outcome depends on the seed and on the order of
// insertion alone, never on the number of threads, nor on how often the changed
// lists were written out in between ([Builder.Rebase]): lists are kept sorted by
// slot, and ties are broken by slot numbers.
//
// Neighbours are chosen by the rule of HNSW (Malkov and Yashunin, 2016,
// algorithm 4) with the factor alpha of Vamana (Subramanya and others, 2019).
// Rounds are the prefix doubling of ParlayANN (Manohar and others, 2024).
package linking
