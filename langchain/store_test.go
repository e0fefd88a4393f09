package langchain

import (
	"context"
	"errors"
	"hash/fnv"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tmc/langchaingo/schema"
	"github.com/tmc/langchaingo/vectorstores"

	"github.com/hannoydb/hannoy"
)

// words embeds a text as the words that it has.
type words struct{ err error }

func (w words) EmbedQuery(_ context.Context, text string) ([]float32, error) {
	vector := make([]float32, 64)
	for _, word := range strings.Fields(strings.ToLower(text)) {
		h := fnv.New32a()
		h.Write([]byte(word))
		vector[h.Sum32()%64]++
	}
	return vector, w.err
}

func (w words) EmbedDocuments(ctx context.Context, texts []string) (vectors [][]float32, err error) {
	for _, text := range texts {
		vector, err := w.EmbedQuery(ctx, text)
		if err != nil {
			return nil, err
		}
		vectors = append(vectors, vector)
	}
	return vectors, nil
}

func newStore(t *testing.T) *Store {
	t.Helper()
	ix, err := hannoy.Open(filepath.Join(t.TempDir(), "docs"), &hannoy.Options{Dimensions: 64, Metric: hannoy.Cosine})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ix.Close() })
	s, err := New(ix, words{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var documents = []schema.Document{
	{PageContent: "the cat sleeps on the mat", Metadata: map[string]any{"id": "cat", "lang": "en", "page": 1.0}},
	{PageContent: "a dog barks at the cat", Metadata: map[string]any{"id": "dog", "lang": "en", "page": 2.0}},
	{PageContent: "die Katze sleeps", Metadata: map[string]any{"lang": "de"}},
}

func contents(docs []schema.Document) (out []string) {
	for _, d := range docs {
		out = append(out, d.PageContent)
	}
	return out
}

func TestStore(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	ids, err := s.AddDocuments(ctx, documents)
	if err != nil || len(ids) != 3 || ids[0] != "cat" || len(ids[2]) != 32 {
		t.Fatalf("%q, %v", ids, err)
	}
	if again, err := s.AddDocuments(ctx, documents); err != nil || !reflect.DeepEqual(again, ids) {
		t.Errorf("again: %q, %v", again, err)
	}
	for round := range 2 { // before a build and behind one
		docs, err := s.SimilaritySearch(ctx, "cat sleeps on mat", 2)
		if err != nil || len(docs) != 2 || docs[0].PageContent != documents[0].PageContent || docs[0].Score <= docs[1].Score || !reflect.DeepEqual(docs[0].Metadata, documents[0].Metadata) {
			t.Errorf("round %d: %+v, %v", round, docs, err)
		}
		if _, err := s.index.Build(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		option vectorstores.Option
		want   int
	}{
		{vectorstores.WithFilters(map[string]any{"lang": "de"}), 1},
		{vectorstores.WithFilters(map[string]any{"lang": "en", "page": 2.0}), 1},
		{vectorstores.WithFilters(`"lang=en" or "lang=de"`), 3},
		{vectorstores.WithFilters(hannoy.FilterKeys([]byte("cat"))), 1},
		{vectorstores.WithScoreThreshold(.99), 0},
		{vectorstores.WithNameSpace("other"), 0},
	} {
		if docs, err := s.SimilaritySearch(ctx, "cat", 10, tt.option); err != nil || len(docs) != tt.want {
			t.Errorf("%q, %v; want %d", contents(docs), err, tt.want)
		}
	}
	if n, err := s.Delete(ctx, []string{"cat", "none"}); err != nil || n != 1 {
		t.Errorf("deleted %d, %v", n, err)
	}
	docs, err := vectorstores.ToRetriever(s, 5).GetRelevantDocuments(ctx, "cat")
	if err != nil || len(docs) != 2 {
		t.Errorf("%q, %v", contents(docs), err)
	}
}

func TestNameSpacesAndDuplicates(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	for _, space := range []string{"", "a"} {
		if _, err := s.AddDocuments(ctx, documents, vectorstores.WithNameSpace(space)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Delete(ctx, []string{"cat"}, vectorstores.WithNameSpace("a")); err != nil {
		t.Fatal(err)
	}
	for space, want := range map[string]int{"": 3, "a": 2} {
		if docs, err := s.SimilaritySearch(ctx, "cat", 10, vectorstores.WithNameSpace(space)); err != nil || len(docs) != want {
			t.Errorf("namespace %q: %q, %v; want %d", space, contents(docs), err, want)
		}
	}
	known := vectorstores.WithDeduplicater(func(context.Context, schema.Document) bool { return true })
	if ids, err := s.AddDocuments(ctx, documents, known); err != nil || ids != nil {
		t.Errorf("%q, %v", ids, err)
	}
}

func TestErrors(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	broken := errors.New("no model")
	if _, err := s.AddDocuments(ctx, documents, vectorstores.WithEmbedder(words{broken})); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := s.SimilaritySearch(ctx, "x", 1, vectorstores.WithEmbedder(words{broken})); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := s.SimilaritySearch(ctx, "x", 1, vectorstores.WithFilters(7)); err == nil {
		t.Error("filters of type int: no error")
	}
	if _, err := s.SimilaritySearch(ctx, "x", 1, vectorstores.WithFilters("(")); err == nil {
		t.Error("a filter without end: no error")
	}
	if _, err := (&Store{index: s.index}).SimilaritySearch(ctx, "x", 1); err == nil {
		t.Error("no embedder: no error")
	}
	bad := []schema.Document{{PageContent: "x", Metadata: map[string]any{"f": func() {}}}}
	if _, err := s.AddDocuments(ctx, bad); err == nil {
		t.Error("metadata that is not JSON: no error")
	}
	ids, err := hannoy.Open(filepath.Join(t.TempDir(), "ids"), &hannoy.Options{Dimensions: 64, IDs: true})
	if err != nil {
		t.Fatal(err)
	}
	defer ids.Close()
	if _, err := New(ids, words{}); err == nil {
		t.Error("an index of ids: no error")
	}
}

// Neither an id nor a namespace reaches into another namespace.
func TestZeroBytes(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	document := func(id string) []schema.Document {
		return []schema.Document{{PageContent: "cat", Metadata: map[string]any{"id": id}}}
	}
	if _, err := s.AddDocuments(ctx, document("cat"), vectorstores.WithNameSpace("a")); err != nil {
		t.Fatal(err)
	}
	for id, namespace := range map[string]string{"a\x00cat": "", "cat": "a\x00b"} {
		if _, err := s.AddDocuments(ctx, document(id), vectorstores.WithNameSpace(namespace)); !errors.Is(err, hannoy.ErrInvalid) {
			t.Errorf("%q in namespace %q was added: %v", id, namespace, err)
		}
		if n, err := s.Delete(ctx, []string{id}, vectorstores.WithNameSpace(namespace)); n != 0 || !errors.Is(err, hannoy.ErrInvalid) {
			t.Errorf("%q in namespace %q: %d deleted, %v", id, namespace, n, err)
		}
	}
	if docs, err := s.SimilaritySearch(ctx, "cat", 10, vectorstores.WithNameSpace("a")); err != nil || len(docs) != 1 {
		t.Errorf("%q, %v", contents(docs), err)
	}
}

// Metadata that no label can hold cannot be filtered by, and is stored all the same.
func TestMetadataThatIsNoLabel(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	for _, odd := range []any{"\xff", "a\nb", strings.Repeat("x", 300), []int{1}} {
		if _, err := s.AddDocuments(ctx, []schema.Document{{PageContent: "cat", Metadata: map[string]any{"odd": odd}}}); err != nil {
			t.Errorf("%q: %v", odd, err)
		}
	}
}
