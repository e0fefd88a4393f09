// Package proof verifies an environment by what its file says, page by page and record by
// record, without LMDB: structure, checksums, the form of each record, and that none is
// missing or older than it should be. It does not know where the file is, or who writes it.
package proof

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
)

// Problem is something that is wrong with a page or a record.
type Problem struct {
	Kind  string // "page" or "record"
	Where string // the page or the record
	Text  string // what is wrong
}

// Findings is what a proof has seen.
type Findings struct {
	Problems []Problem // the first 1,000
	Found    int       // how many there are
	Damaged  int       // how many of them are of pages: LMDB must not touch these
	Pages    int       // of the commit
	Records  int
}

const maxProblems = 1000

func (f *Findings) add(kind, where, text string) {
	if f.Found++; len(f.Problems) < maxProblems {
		f.Problems = append(f.Problems, Problem{kind, where, text})
	}
}

// Of verifies the commit of a meta page. It calls visit, if that is not nil, with each
// record that is sound; the value is nil for those of KindValue, and borrowed for the
// others. The error wraps pages.ErrForeign if the file is another program's, and is a
// *codec.NewerFormatError if it is of a newer version; damage is in the findings.
func Of(ctx context.Context, file *pages.File, meta *pages.Meta, visit func(p codec.ParsedKey, key, value []byte) error) (*Findings, error) {
	v := verifier{visit: visit, slabs: map[codec.Kind]uint32{}}
	report, err := file.Walk(ctx, meta, v.record)
	if err != nil {
		return nil, err
	}
	if !v.ours && report.Sound() {
		return nil, fmt.Errorf("%w of ours: it has no superblock", pages.ErrForeign)
	}
	v.finish(report)
	return &v.findings, nil
}

// verifier checks the records that a walk passes, in key order.
type verifier struct {
	visit        func(p codec.ParsedKey, key, value []byte) error
	findings     Findings
	ours         bool // there is a superblock
	index        codec.IndexID
	meta         *codec.Meta           // of index, nil if it is damaged
	slabs        map[codec.Kind]uint32 // of index: slabs so far
	digest, want uint64
	buffer       []byte
}

// maxRecordBytes is what the largest record may have, the user's values apart.
const maxRecordBytes = 1 << 27

func (v *verifier) record(key []byte, value *pages.Value) error {
	v.findings.Records++
	p, err := codec.ParseKey(key)
	if err != nil {
		v.findings.add("record", codec.FormatKey(key), err.Error())
		return nil
	}
	if p.Index != v.index {
		v.endIndex()
		v.index, v.meta = p.Index, nil
	}
	body, err := v.read(p, key, value)
	if err == nil {
		err = v.form(p, key, body)
	}
	if newer := (*codec.NewerFormatError)(nil); errors.As(err, &newer) {
		return err
	}
	if err != nil {
		v.findings.add("record", codec.FormatKey(key), err.Error())
		return nil
	}
	if v.visit == nil {
		return nil
	}
	return v.visit(p, key, body)
}

// read verifies the checksum of a record and returns its value, nil for one of the
// user's.
func (v *verifier) read(p codec.ParsedKey, key []byte, value *pages.Value) ([]byte, error) {
	if p.Kind == codec.KindValue {
		return nil, v.stream(key, value)
	}
	if value.Len() > maxRecordBytes {
		return nil, fmt.Errorf("%d bytes: %w", value.Len(), codec.ErrCorrupt)
	}
	var err error
	if v.buffer, err = value.Append(v.buffer[:0], maxRecordBytes); err != nil {
		return nil, err
	}
	if p.Kind != codec.KindSuperblock {
		v.digest += codec.RecordDigest(key, v.buffer)
	}
	_, err = codec.Open(key, v.buffer)
	return v.buffer, err
}

// stream verifies the checksum of a value of any length.
func (v *verifier) stream(key []byte, value *pages.Value) error {
	const step = 1 << 20
	var sum codec.RunningSum
	for at := int64(0); at == 0 || at < value.Len(); at += step {
		part := v.buffer[:0]
		if need := min(step, value.Len()-at); int64(cap(part)) < need {
			part = make([]byte, 0, need)
		}
		v.buffer = part[:min(step, value.Len()-at)]
		if _, err := value.ReadAt(v.buffer, at); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: %w", codec.ErrCorrupt, err)
		}
		if at == 0 {
			v.digest += codec.RecordDigest(key, v.buffer)
			sum = codec.StartSum(key, v.buffer)
			continue
		}
		sum.Add(v.buffer)
	}
	return sum.Verify(key)
}

// form checks what the bytes of a record say, by themselves and beside the metadata
// of its index, which comes before it.
func (v *verifier) form(p codec.ParsedKey, key, value []byte) error {
	if p.Kind == codec.KindValue {
		return nil
	}
	switch p.Kind {
	case codec.KindSuperblock:
		v.ours = true
		s, err := codec.ParseSuperblock(value[codec.SumBytes:])
		v.want = s.Digest
		return err
	case codec.KindMeta:
		meta, err := codec.ParseMeta(key, value[codec.SumBytes:])
		v.meta = meta
		return err
	case codec.KindVectors, codec.KindCodes:
		// A slab that is missing would be found by the first query that needs it; but
		// slots are believed, and tables made for them, before that.
		if next := v.slabs[p.Kind]; p.Kind == codec.KindVectors && p.Number != next {
			v.findings.add("record", codec.FormatKey(key), fmt.Sprintf("slabs %d to %d are missing", next, int64(p.Number)-1))
		}
		v.slabs[p.Kind] = p.Number + 1
	}
	return codec.CheckForm(p, key, value, v.meta)
}

// endIndex checks what can be told when all records of an index have passed.
func (v *verifier) endIndex() {
	if v.meta != nil {
		if got, want := int(v.slabs[codec.KindVectors]), v.meta.Slab.Count(v.meta.NextSlot); got != want {
			v.findings.add("record", codec.FormatKey(codec.MetaKey(v.index)), fmt.Sprintf("%d slots are in %d slabs, there are %d", v.meta.NextSlot, want, got))
		}
	}
	clear(v.slabs)
}

func (v *verifier) finish(report *pages.Report) {
	v.endIndex()
	f := &v.findings
	f.Pages, f.Damaged = int(report.Pages), report.Found
	for _, p := range report.Problems {
		f.add("page", fmt.Sprintf("page %d", p.Page), p.Text)
	}
	f.Found += report.Found - len(report.Problems)
	if f.Found == 0 && v.digest != v.want {
		f.add("record", codec.FormatKey(codec.SuperblockKey()),
			fmt.Sprintf("digest is %016x, the records give %016x: some are missing or older than they should be", v.want, v.digest))
	}
}
