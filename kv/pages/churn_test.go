package pages_test

import (
	"bytes"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
)

var churns = flag.Int("churns", 4, "environments that TestDeleteChurn makes")

// Transactions that fill pages, empty them and fill them again leave pages that LMDB
// took up and gave back within the transaction (loose pages: ITS#8756 of LMDB 0.9.19 is
// about what became of them). After each commit all is where it should be: no page in two
// places, none lost, every record there.
func TestDeleteChurn(t *testing.T) {
	for seed := range uint64(*churns) {
		r := rand.New(rand.NewPCG(seed, 8756))
		dir := t.TempDir()
		env, err := kv.Open(dir, kv.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		model := map[string][]byte{}
		for commit := range 12 {
			if err := env.Update(ctx, func(txn *kv.Txn) error { return churn(txn, model, r) }); err != nil {
				t.Fatalf("seed %d, commit %d: %v", seed, commit, err)
			}
			file, err := os.ReadFile(filepath.Join(dir, "data.mdb"))
			if err != nil {
				t.Fatal(err)
			}
			found, report, err := walk(t, file)
			if err != nil || !report.Sound() || report.Lost != 0 {
				t.Fatalf("seed %d, commit %d: %+v, %v", seed, commit, report, err)
			}
			delete(found, string(codec.SuperblockKey()))
			if !maps.EqualFunc(found, model, bytes.Equal) {
				t.Fatalf("seed %d, commit %d: %d records, want %d, or they differ", seed, commit, len(found), len(model))
			}
		}
		if err := env.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// churn puts and deletes runs of neighbours, several times over.
func churn(txn *kv.Txn, model map[string][]byte, r *rand.Rand) error {
	const keys = 3000
	for range 1 + r.IntN(8) {
		from, n := r.IntN(keys), 1+r.IntN(600)
		gone := r.IntN(2) == 0
		size := []int{4, 60, 400, 1500, 9000}[r.IntN(5)]
		if size > 1000 {
			n = min(n, 60)
		}
		order := r.Perm(n)
		if r.IntN(2) == 0 {
			slices.Sort(order)
		}
		for _, i := range order {
			key := codec.AppendSlotKey(nil, 1, strconv.AppendInt(nil, int64((from+i)%keys)+1e6, 10))
			if gone {
				delete(model, string(key))
				if err := txn.Delete(key); err != nil {
					return err
				}
				continue
			}
			value := bytes.Repeat([]byte{byte(i)}, size+codec.SumBytes)
			if err := txn.Put(key, value); err != nil {
				return err
			}
			model[string(key)] = slices.Clone(value)
		}
	}
	return nil
}
