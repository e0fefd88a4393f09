// Package harness is what the programs that are compared have in common: the protocol
// that they answer, the data sets that they read, and the loop that asks queries and
// takes the time. A system is plugged in by implementing System and calling Main. It
// knows nothing of any system, and nothing of recall: the programs write down which
// rows they found, and one judge, the driver, scores them all.
//
// The program for hnswlib is written in C++ and follows the same text by hand: what
// changes in protocol.go, program.go or measure.go changes there too.
package harness
