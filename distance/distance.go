// Package distance turns two vectors into one number: how far apart they are.
//
// A vector lives in a row: a fixed number of bytes in the machine's byte order,
// always a whole number of 16-byte blocks, the last one filled with zeros. Zeros
// add nothing to any distance, so no kernel has a tail of single elements and
// none reads past a row. A [Kernel] knows the layout of the rows of one metric,
// one vector type and one number of dimensions: it makes rows from vectors, and
// distances from rows. [Rows] finds the row of a slot in a table of slabs.
//
// # Ranking distances
//
// Search and graph compare ranking distances, which order exactly as the metric
// does and cost less: smaller is always nearer. [Kernel.Report] turns one into
// the distance that users see, [Kernel.Rank] turns it back.
//
//	metric         ranking distance              reported
//	euclidean      sum of (a-b)^2                its square root
//	cosine         sum of (a-b)^2 of unit rows   1 - cos, in [0, 2]
//	inner product  -sum of a*b                   the same
//	manhattan      sum of |a-b|                  the same
//	hamming        differing bits                the same
//
// The chord of two unit vectors is 2 - 2 cos: it ranks as the cosine does, is
// never negative and is exactly 0 for equal vectors, where 1 - dot would leave
// rounding.
//
// # Guarantees
//
// A distance depends on its two rows alone, not on the place of a row in a
// batch; swapping the two gives the same bits; euclidean, cosine, manhattan and
// hamming give 0 for equal rows. Vectors accepted by [Kernel.Check] never give
// NaN or an infinity. Two machines may differ by rounding, since each uses the
// instructions it has. Arithmetic is in float32: a difference of elements below
// 1e-23 has a square of 0 (cosine normalises in float64 and is spared that).
//
// The package knows nothing of files, transactions or graphs. Row pointers may
// lead into a memory map; they are read during the call and never kept.
package distance
