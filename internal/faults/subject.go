package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

var ctx = context.Background()

// subject is the index that is damaged.
type subject struct {
	dir    string
	items  map[string]item // what it holds
	ever   map[string]item // what it has ever held
	images [][]byte        // its data file after each of several builds; the last is what it is
}

type item struct {
	vector []float32
	value  []byte
	label  string
}

func key(i int) []byte { return strconv.AppendInt(nil, int64(i), 10) }

// newSubject makes an index of about n items through which a quarter as many more
// have gone: with values small and large, labels, codes, deleted items and free slots.
func newSubject(dir string, n, dims int) (*subject, error) {
	s := &subject{dir: dir, items: map[string]item{}, ever: map[string]item{}}
	vectors := fixture.Vectors(n+n/4, dims, 1)
	r := rand.New(rand.NewPCG(1, 1))
	ix, err := hannoy.Open(dir, &hannoy.Options{Dimensions: dims, M: 6, EfConstruction: 24})
	if err != nil {
		return nil, err
	}
	defer ix.Close()
	for from := 0; from < len(vectors); from += n / 4 {
		_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
			for i := from; i < min(from+n/4, len(vectors)); i++ {
				it := item{vector: vectors[i], label: "l" + strconv.Itoa(i%7)}
				if it.value = bytes.Repeat(key(i), 1+r.IntN(12)); i%200 == 0 {
					it.value = bytes.Repeat(key(i), 3000)
				}
				if err := b.Put(key(i), it.vector, hannoy.Value(it.value), hannoy.Labels(it.label)); err != nil {
					return err
				}
				s.items[string(key(i))], s.ever[string(key(i))] = it, it
			}
			for i := range from / 5 {
				if gone := r.IntN(from); i%2 == 0 {
					delete(s.items, string(key(gone)))
					if err := b.Delete(key(gone)); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if from+n/4 < len(vectors) { // the last batch stays pending
			if _, err := ix.Build(ctx, nil); err != nil {
				return nil, err
			}
		}
		image, err := os.ReadFile(s.file())
		if err != nil {
			return nil, err
		}
		s.images = append(s.images, image)
	}
	return s, nil
}

func (s *subject) file() string { return filepath.Join(s.dir, "data.mdb") }

// sound is the file as it should be.
func (s *subject) sound() []byte { return s.images[len(s.images)-1] }

// answers are what an index says when it is asked.
type answers struct {
	hits [][]hannoy.Hit
	item []hannoy.Item
}

// ask asks everything that a user may ask.
func ask(ix *hannoy.Index, queries [][]float32) (*answers, error) {
	a := &answers{}
	err := ix.View(func(s *hannoy.Snapshot) error {
		for i, q := range queries {
			hits, err := s.Search(ctx, q, 10, &hannoy.SearchOptions{Ef: 40, WithValues: true, Exact: i%2 == 1})
			if err != nil {
				return err
			}
			a.hits = append(a.hits, hits)
		}
		for item, err := range s.Items() {
			if err != nil {
				return err
			}
			if again, err := s.Get(item.Key); err != nil || !bytes.Equal(again.Value, item.Value) {
				return fmt.Errorf("get %q: %w", item.Key, err)
			}
			a.item = append(a.item, item)
		}
		return nil
	})
	return a, err
}

// ask asks the index when its file is the one given.
func (s *subject) ask(file []byte, queries [][]float32) (*answers, error) {
	if err := os.WriteFile(s.file(), file, 0o600); err != nil {
		return nil, err
	}
	ix, err := hannoy.Open(s.dir, &hannoy.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	a, err := ask(ix, queries)
	return a, errors.Join(err, ix.Close())
}

func (a *answers) equal(b *answers) bool {
	sameHits := slices.EqualFunc(a.hits, b.hits, func(x, y []hannoy.Hit) bool {
		return slices.EqualFunc(x, y, func(p, q hannoy.Hit) bool {
			return bytes.Equal(p.Key, q.Key) && p.Distance == q.Distance && bytes.Equal(p.Value, q.Value)
		})
	})
	return sameHits && slices.EqualFunc(a.item, b.item, func(p, q hannoy.Item) bool {
		return bytes.Equal(p.Key, q.Key) && slices.Equal(p.Vector, q.Vector) && bytes.Equal(p.Value, q.Value) && slices.Equal(p.Labels, q.Labels)
	})
}
