package hannoy

import (
	"context"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/filter"
	"github.com/hannoydb/hannoy/reader"
)

// Filter says which items a search may return. It does not change once made and is safe
// for concurrent use.
//
// A search works out which items match when it first sees a filter and keeps that for
// later searches of the same commit: of the same Filter, or of labels that are written
// the same. So make a filter once and use it often. [Snapshot.Prepare] does the work
// ahead, and keeps it as long as its result is kept.
type Filter struct {
	expr    *filter.Expr
	matches *reader.Matches // of Prepare; nil
}

// FilterError says what is the Problem with the Text of a filter, and at which byte Offset; its
// method Caret shows it. It wraps its Kind, ErrInvalid.
type FilterError = filter.Error

// ParseFilter reads an expression over labels:
//
//	lang:en & !draft
//	(tag:red or tag:blue) and not "label with blanks"
//	lang:* & !(lang:en | lang:de)
//
// A label stands for the items that have it, and with a star behind it for those that
// have any label which begins so; a star alone stands for items with any label at all.
// "not" or ! binds most tightly, then "and" or &, then "or" or |. Labels with blanks or
// one of ()&|!"* in them, and those that are called and, or, not, stand in double quotes,
// in which \" is a quote and \\ a backslash.
//
// The error is a *FilterError.
func ParseFilter(text string) (*Filter, error) {
	e, err := filter.Parse(text, codec.CheckLabel, ErrInvalid)
	if err != nil {
		return nil, err
	}
	return &Filter{expr: e}, nil
}

// FilterLabel admits the items that have the label.
func FilterLabel(label string) *Filter {
	return &Filter{expr: &filter.Expr{Op: filter.Label, Text: label}}
}

// FilterIDs admits the items with these ids, in an index with Options.IDs; ids that no
// item has are no error. The bitmap is not copied: it must not be changed, not even
// between searches, as long as the filter is used. For another set of ids make another
// filter.
func FilterIDs(ids *roaring.Bitmap) *Filter {
	return &Filter{expr: &filter.Expr{Op: filter.IDs, IDs: ids}}
}

// FilterKeys admits the items with these keys; keys that no item has are no error. The
// keys are not copied and must not be changed.
func FilterKeys(keys ...[]byte) *Filter {
	return &Filter{expr: &filter.Expr{Op: filter.Keys, Keys: keys}}
}

// FilterFunc admits the items for whose keys test returns true. It is asked once per
// commit about each item which the filters that it is joined to by And leave over, by the
// first search: over a million items that takes a tenth of a second. The key is test's
// only until it returns.
func FilterFunc(test func(key []byte) bool) *Filter {
	return &Filter{expr: &filter.Expr{Op: filter.Func, Test: test}}
}

// And admits the items that f and all others admit.
func (f *Filter) And(others ...*Filter) *Filter { return f.join(filter.And, others) }

// Or admits the items that f or any other admits.
func (f *Filter) Or(others ...*Filter) *Filter { return f.join(filter.Or, others) }

// Not admits the items that f does not.
func (f *Filter) Not() *Filter {
	return &Filter{expr: &filter.Expr{Op: filter.Not, Args: []*filter.Expr{f.expression()}}}
}

func (f *Filter) join(op filter.Op, others []*Filter) *Filter {
	args := []*filter.Expr{f.expression()}
	for _, o := range others {
		args = append(args, o.expression())
	}
	return &Filter{expr: filter.Join(op, args)}
}

// expression is that of the filter; of nil and of the zero value one that searches refuse.
func (f *Filter) expression() *filter.Expr {
	if f == nil || f.expr == nil {
		return &filter.Expr{}
	}
	return f.expr
}

// String writes the filter as ParseFilter reads it. Ids, keys and functions are named
// only.
func (f *Filter) String() string { return f.expression().String() }

// Prepare works out which items of the snapshot match the filter, and returns a filter
// that has this ready for searches of the snapshot, together with how many there are. In
// other snapshots it is as the filter it was made from.
func (s *Snapshot) Prepare(ctx context.Context, f *Filter) (prepared *Filter, items int, err error) {
	if f == nil {
		f = &Filter{}
	}
	if err := s.lease.Enter(); err != nil {
		return nil, 0, err
	}
	defer s.lease.Leave()
	m, err := s.matches(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	return &Filter{f.expr, m}, m.Len(), nil
}

// matches returns what the filter admits; nil for no filter.
func (s *Snapshot) matches(ctx context.Context, f *Filter) (*reader.Matches, error) {
	if f == nil || f.matches.Of(s.reader) {
		if f == nil {
			return nil, nil
		}
		return f.matches, nil
	}
	if err := s.checkFilter(f.expression()); err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	return s.reader.Matches(ctx, f.expr)
}

// checkFilter refuses what has no meaning in this index.
func (s *Snapshot) checkFilter(e *filter.Expr) error {
	switch e.Op {
	case filter.Label:
		if err := codec.CheckLabel(e.Text); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	case filter.IDs:
		if !s.index.ids {
			return fmt.Errorf("%w: ids, and the keys of index %q are bytes (use FilterKeys)", ErrInvalid, s.index.name)
		}
		if e.IDs == nil {
			return fmt.Errorf("%w: the bitmap of FilterIDs is nil (make it with roaring.New)", ErrInvalid)
		}
	case filter.Keys:
		for _, key := range e.Keys {
			if err := s.index.checkKey(key); err != nil {
				return err
			}
		}
	case filter.Func:
		if e.Test == nil {
			return fmt.Errorf("%w: the function of FilterFunc is nil", ErrInvalid)
		}
	case filter.Prefix, filter.Not, filter.And, filter.Or:
	default:
		return fmt.Errorf("%w: it is empty (make it with ParseFilter, FilterLabel, FilterIDs, FilterKeys or FilterFunc)", ErrInvalid)
	}
	for _, a := range e.Args {
		if err := s.checkFilter(a); err != nil {
			return err
		}
	}
	return nil
}

// LabelCount is a Label and the number of Items that have it.
type LabelCount = reader.LabelCount

// Labels returns the labels that begin with prefix, sorted, with the number of items that
// have each; all labels for "".
func (s *Snapshot) Labels(prefix string) ([]LabelCount, error) {
	if err := s.lease.Enter(); err != nil {
		return nil, err
	}
	defer s.lease.Leave()
	return s.reader.Labels(prefix)
}
