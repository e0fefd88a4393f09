package hannoy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/kv/datafile"
	"github.com/hannoydb/hannoy/kv/pages"
	"github.com/hannoydb/hannoy/salvage"
	"github.com/hannoydb/hannoy/salvage/rebuild"
)

// RepairReport says what Repair saved; the JSON names are those of `hannoyctl repair`.
type RepairReport struct {
	Indexes      []RepairedIndex `json:"indexes"`       // of the directory
	Pages        int             `json:"pages"`         // of the file
	DamagedPages int             `json:"damaged_pages"` // of its trees; damage within slabs and values counts below
	BadRecords   int             `json:"bad_records"`   // slabs and values apart
	Scanned      bool            `json:"scanned"`       // the tree was broken: all pages were searched
}

// RepairedIndex says what was saved of one index.
type RepairedIndex struct {
	Index     string   `json:"index"`     // its name
	Items     int      `json:"items"`     // saved
	Expected  int      `json:"expected"`  // what there were; -1 when the metadata that tell are lost
	Vectors   int      `json:"vectors"`   // items lost because their vector is damaged
	Values    int      `json:"values"`    // items saved without their value
	Doubtful  int      `json:"doubtful"`  // slots that may have been deleted, so they were left behind
	Conflicts int      `json:"conflicts"` // keys and slots about which records disagree, left behind
	Orphans   int      `json:"orphans"`   // items saved whose vectors nothing but their own stamp vouches for
	LostKeys  []string `json:"lost_keys"` // of the items whose vector is damaged, the first 1,000; ids in decimal
	Problem   string   `json:"problem"`   // why nothing could be saved, or ""
}

// Repair saves what is sound in the damaged directory src into a new one, dst, and
// builds the indexes there anew. src is only read, by page and without LMDB, and
// nobody may write it meanwhile. An item is saved if its key and its vector are, byte
// for byte, as they were written. Of a file with pages that are older than they should be,
// whose writes the disk has lost, older keys, values and labels may come back; where that is
// the newest meta page, the commit before it is what is saved.
//
// The error wraps ErrInvalid when there is an index or anything else in dst, and ErrCorrupt when
// nothing at all could be saved.
func Repair(ctx context.Context, src, dst string, build *BuildOptions) (*RepairReport, error) {
	if _, err := os.Lstat(filepath.Join(dst, "data.mdb")); err == nil {
		return nil, fmt.Errorf("repair %s: %w: there is an index in %s (name a new directory)", src, ErrInvalid, dst)
	}
	if err := datafile.Vacant(dst); err != nil {
		return nil, fmt.Errorf("repair %s into %w", src, err)
	}
	var report *RepairReport
	err := datafile.Salvage(ctx, src, func(file *pages.File) error {
		wreck, err := salvage.Read(ctx, file)
		if err != nil {
			return err
		}
		report, err = restore(ctx, wreck, src, dst, build)
		return err
	})
	if err != nil {
		return nil, err
	}
	return report, nil
}

// restore makes the indexes of a wreck anew in dst.
func restore(ctx context.Context, wreck *salvage.Wreck, src, dst string, build *BuildOptions) (report *RepairReport, err error) {
	report = &RepairReport{
		Indexes: []RepairedIndex{}, Pages: int(wreck.Pages.Pages), DamagedPages: wreck.Pages.Damaged,
		BadRecords: wreck.BadRecords, Scanned: wreck.Pages.Scanned,
	}
	if !slices.ContainsFunc(wreck.Indexes, func(x *salvage.Index) bool { return x.Meta != nil }) {
		return nil, fmt.Errorf("repair %s: no metadata of an index are left: %w", src, ErrCorrupt)
	}
	env, err := kv.Open(dst, kv.Options{Create: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, env.Close()) }()
	for _, x := range wreck.Indexes {
		r := RepairedIndex{Index: x.Name, Expected: -1, LostKeys: []string{}}
		if x.Name == "" {
			r.Index = fmt.Sprintf("recovered-%d", x.ID)
		}
		if x.Current {
			r.Expected = x.Meta.Len()
		}
		if x.Meta == nil {
			r.Problem = "its metadata are lost"
		} else {
			items, lost, err := rebuild.Index(ctx, env, x, r.Index, build.options(false))
			if err != nil {
				return nil, fmt.Errorf("repair index %q of %s: %w", r.Index, src, err)
			}
			r.Items, r.Vectors, r.Values, r.Doubtful, r.Conflicts, r.Orphans = items, lost.Vectors, lost.Values, lost.Doubtful, lost.Conflicts, lost.Orphans
			for _, key := range lost.Keys {
				r.LostKeys = append(r.LostKeys, keyText(key, x.Meta.IDs))
			}
		}
		report.Indexes = append(report.Indexes, r)
	}
	return report, nil
}

func keyText(key []byte, ids bool) string {
	if id, err := codec.ParseID(key); ids && err == nil {
		return fmt.Sprint(id)
	}
	return string(key)
}
