//go:build !hannoy_poison

package kv

// lender lends bytes of the map. With the build tag hannoy_poison it lends copies, and
// spoils them when they are to be given back, so that tests find who keeps them longer.
type lender struct{}

// poisoning says that bytes are lent as copies.
const poisoning = false

func (*lender) lend(b []byte) []byte { return b }

func (*lender) takeBack() {}
