//go:build !race

package distance

const lengthStep = 1
