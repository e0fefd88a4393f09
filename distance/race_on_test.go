//go:build race

package distance

// The race detector makes portable Go 20 times slower; it need not see every length.
const lengthStep = 7
