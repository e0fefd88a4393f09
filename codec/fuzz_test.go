package codec

import (
	"testing"
)

// FuzzDecoders feeds every decoder: whatever the bytes, an answer or an error.
func FuzzDecoders(f *testing.F) {
	f.Add(AppendList(nil, []uint32{1, 2, 70000}))
	f.Add(AppendMeta(nil, testMeta()))
	f.Add(AppendSuperblock(nil, Superblock{Version: 1, PageSize: 4096}))
	f.Add(AppendTowerBlock(nil, []TowerEntry{{1, []byte("x")}}))
	f.Add(AppendBlock(nil, &[BlockSlots][]byte{}))
	f.Add(AppendFlat(nil, &Flat{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = ParseKey(b)
		FormatKey(b)
		_, _ = ReadList(nil, b)
		_, _ = ParseSet(b, b, 0)
		_, _ = ParseSuperblock(b)
		_, _ = ParseMeta(b, b)
		_, _ = ParseTowerBlock(nil, b, b)
		if VerifyBlock(b, b) == nil {
			for i := range uint32(BlockSlots) {
				BlockEntry(b, i)
			}
		}
		if VerifyFlat(b, b) == nil {
			FlatGet(b, uint32(len(b)))
		}
		Describe(b, b, &Meta{Slab: SlabFor(64)})
	})
}
