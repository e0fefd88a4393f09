package write

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// TestImportBesideOthers imports rows in many batches, alone and while another puts some of them: all rows are there at the end as
// the file has them, and each is counted once.
func TestImportBesideOthers(t *testing.T) {
	const rows, dims = 3000, 4
	file := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, rows), dims)
	for i := range rows * dims {
		file = binary.LittleEndian.AppendUint32(file, math.Float32bits(float32(i)))
	}
	name := filepath.Join(t.TempDir(), "x.fbin")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, others := range []bool{false, true} {
		ctx := context.Background()
		ix, err := hannoy.Open(t.TempDir(), &hannoy.Options{Dimensions: dims})
		if err != nil {
			t.Fatal(err)
		}
		defer ix.Close()
		im := &importer{ix: ix, bar: terminal.NewBar(io.Discard, "none"), style: operand.StyleOf(ix), batchBytes: 16 << 10}
		if im.kernel, err = distance.New(hannoy.Euclidean, hannoy.F32, dims); err != nil {
			t.Fatal(err)
		}
		if im.rows, err = vecfile.Open(name, &vecfile.Options{}); err != nil {
			t.Fatal(err)
		}
		defer im.rows.Close()
		put := func(i int) {
			_, err := ix.Update(ctx, func(b *hannoy.Batch) error { return b.Put(fmt.Append(nil, i), make([]float32, dims)) })
			if err != nil {
				t.Error(err)
			}
		}
		var other sync.WaitGroup
		if others {
			other.Go(func() {
				for i := range 50 { // from the end: rows that are read last
					put(rows - 1 - 60*i)
				}
			})
		}
		if err := im.run(ctx); err != nil {
			t.Fatal(err)
		}
		other.Wait()
		if n := im.added + im.updated + im.unchanged; n != rows || im.stored != rows || !others && im.added != rows {
			t.Errorf("%d added, %d updated, %d unchanged, %d stored, of %d", im.added, im.updated, im.unchanged, im.stored, rows)
		}
		checkImported(t, ix, rows, others)
	}
}

// checkImported looks at all items; rows that others have put may be theirs.
func checkImported(t *testing.T, ix *hannoy.Index, rows int, others bool) {
	theirs := 0
	err := ix.View(func(s *hannoy.Snapshot) error {
		if s.Len() != rows {
			t.Errorf("%d items, want %d", s.Len(), rows)
		}
		for i := range rows {
			item, err := s.Get(fmt.Append(nil, i))
			if err != nil {
				return err
			}
			if want := []float32{float32(4 * i), float32(4*i + 1), float32(4*i + 2), float32(4*i + 3)}; !slices.Equal(item.Vector, want) {
				theirs++
			}
		}
		return nil
	})
	if err != nil || theirs > 50 || theirs > 0 && !others {
		t.Errorf("%d items are not those of the file; %v", theirs, err)
	}
	if report, err := ix.Check(context.Background()); err != nil || !report.Sound {
		t.Errorf("%+v, %v", report, err)
	}
}
