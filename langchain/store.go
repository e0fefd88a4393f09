// Package langchain puts a hannoy index behind langchaingo's vectorstores.VectorStore.
//
// A document becomes an item: its key is the document's id, its value the content and metadata, and its labels are the
// metadata that can be filtered by. The index must have byte keys and the dimensions of the embedder.
//
// It is a module of its own, so that the library does not depend on langchaingo.
package langchain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tmc/langchaingo/embeddings"
	"github.com/tmc/langchaingo/schema"
	"github.com/tmc/langchaingo/vectorstores"

	"github.com/hannoydb/hannoy"
)

// IDKey is the metadata that names a document. A document without it is named by a digest of its content and
// metadata, so that adding it again changes nothing.
const IDKey = "id"

// Store is a vector store over an index, which stays the caller's to close. It is safe for concurrent use.
type Store struct {
	index    *hannoy.Index
	embedder embeddings.Embedder
}

var _ vectorstores.VectorStore = (*Store)(nil)

// New makes a store over an index. The embedder may be nil if every call brings its own by vectorstores.WithEmbedder.
func New(index *hannoy.Index, embedder embeddings.Embedder) (*Store, error) {
	if index.IDs() || index.Metric() == hannoy.Hamming {
		return nil, errors.New("langchain: the index must have byte keys, and vectors of numbers")
	}
	return &Store{index, embedder}, nil
}

// stored is the value of an item.
type stored struct {
	Content  string         `json:"content"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

// AddDocuments embeds documents and puts them into the index in one transaction, under the returned ids. One whose id is
// there is replaced. Searches find them at once; [hannoy.Index.Build] or AutoBuild keeps these fast.
//
// Options: namespace, embedder, deduplicater.
func (s *Store) AddDocuments(ctx context.Context, docs []schema.Document, options ...vectorstores.Option) ([]string, error) {
	o, err := s.options(options)
	if err != nil {
		return nil, err
	}
	var fresh []schema.Document
	var texts []string
	for _, doc := range docs {
		if o.Deduplicater == nil || !o.Deduplicater(ctx, doc) {
			fresh, texts = append(fresh, doc), append(texts, doc.PageContent)
		}
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	vectors, err := o.Embedder.EmbedDocuments(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("langchain: %w", err)
	}
	if len(vectors) != len(fresh) {
		return nil, fmt.Errorf("langchain: the embedder made %d vectors of %d documents", len(vectors), len(fresh))
	}
	ids := make([]string, len(fresh))
	_, err = s.index.Update(ctx, func(b *hannoy.Batch) error {
		for i, doc := range fresh {
			value, err := json.Marshal(stored{doc.PageContent, doc.Metadata})
			if err != nil {
				return fmt.Errorf("langchain: metadata of document %d: %w", i, err)
			}
			ids[i] = idOf(doc, value)
			key, err := keyOf(o.NameSpace, ids[i])
			if err != nil {
				return fmt.Errorf("document %d: %w", i, err)
			}
			if err := b.Put(key, vectors[i], hannoy.Value(value), hannoy.Labels(labelsOf(o.NameSpace, doc.Metadata)...)); err != nil {
				return fmt.Errorf("document %d: %w", i, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// Delete removes documents by the ids that AddDocuments returned, and returns how many there were.
func (s *Store) Delete(ctx context.Context, ids []string, options ...vectorstores.Option) (int, error) {
	var o vectorstores.Options
	for _, option := range options {
		option(&o)
	}
	return s.index.Update(ctx, func(b *hannoy.Batch) error {
		for _, id := range ids {
			key, err := keyOf(o.NameSpace, id)
			if err == nil {
				err = b.Delete(key)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// SimilaritySearch returns the documents nearest to a text, the nearest first, with their scores: the cosine under that
// metric, the inner product under that, and else 1 / (1 + distance).
//
// Options: namespace, score threshold, embedder, and filters: a map of metadata, all of which a document must have; text
// as [hannoy.ParseFilter] reads it; or a *hannoy.Filter. The label of metadata is its name, "=" and its value.
func (s *Store) SimilaritySearch(ctx context.Context, query string, numDocuments int, options ...vectorstores.Option) ([]schema.Document, error) {
	o, err := s.options(options)
	if err != nil {
		return nil, err
	}
	filter, err := filterOf(&o)
	if err != nil {
		return nil, err
	}
	vector, err := o.Embedder.EmbedQuery(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("langchain: %w", err)
	}
	hits, err := s.index.Search(ctx, vector, numDocuments, &hannoy.SearchOptions{Filter: filter, WithValues: true})
	if err != nil {
		return nil, err
	}
	var docs []schema.Document
	for _, hit := range hits {
		score := s.score(hit.Distance)
		if o.ScoreThreshold != 0 && score < o.ScoreThreshold {
			break // the others are farther
		}
		var value stored
		if err := json.Unmarshal(hit.Value, &value); err != nil {
			return nil, fmt.Errorf("langchain: item %q was not put by AddDocuments: %w", hit.Key, err)
		}
		docs = append(docs, schema.Document{PageContent: value.Content, Metadata: value.Metadata, Score: score})
	}
	return docs, nil
}

func (s *Store) options(options []vectorstores.Option) (vectorstores.Options, error) {
	o := vectorstores.Options{Embedder: s.embedder}
	for _, option := range options {
		option(&o)
	}
	if o.Embedder == nil {
		return o, errors.New("langchain: no embedder: give New one, or vectorstores.WithEmbedder")
	}
	return o, nil
}

func (s *Store) score(distance float32) float32 {
	switch s.index.Metric() {
	case hannoy.Cosine:
		return 1 - distance
	case hannoy.InnerProduct:
		return -distance
	}
	return 1 / (1 + distance)
}

func idOf(doc schema.Document, value []byte) string {
	if id, ok := doc.Metadata[IDKey].(string); ok && id != "" {
		return id
	}
	digest := sha256.Sum256(value)
	return hex.EncodeToString(digest[:16])
}

// keyOf keeps the namespaces apart, by a zero byte that neither they nor ids may have.
func keyOf(namespace, id string) ([]byte, error) {
	switch {
	case strings.Contains(namespace+id, "\x00"):
		return nil, fmt.Errorf("langchain: %w: there is a zero byte in namespace %q or id %q", hannoy.ErrInvalid, namespace, id)
	case namespace == "":
		return []byte(id), nil
	}
	return []byte(namespace + "\x00" + id), nil
}

func namespaceLabel(namespace string) string { return "namespace=" + namespace }

// metadataLabel is the label of one piece of metadata; false when it is not of a kind that can be filtered by.
func metadataLabel(name string, value any) (string, bool) {
	switch value.(type) {
	case string, bool, int, int32, int64, uint32, uint64, float32, float64:
		label := fmt.Sprintf("%s=%v", name, value)
		return label, len(label) <= 255 && utf8.ValidString(label) && !strings.ContainsFunc(label, unicode.IsControl)
	}
	return "", false
}

func labelsOf(namespace string, metadata map[string]any) []string {
	labels := []string{namespaceLabel(namespace)}
	for name, value := range metadata {
		if label, ok := metadataLabel(name, value); ok && name != IDKey {
			labels = append(labels, label)
		}
	}
	return labels
}

// filterOf is the namespace and what the caller asks for. The empty namespace is one like the others.
func filterOf(o *vectorstores.Options) (*hannoy.Filter, error) {
	filter := hannoy.FilterLabel(namespaceLabel(o.NameSpace))
	switch wanted := o.Filters.(type) {
	case nil:
		return filter, nil
	case *hannoy.Filter:
		return filter.And(wanted), nil
	case string:
		parsed, err := hannoy.ParseFilter(wanted)
		if err != nil {
			return nil, err
		}
		return filter.And(parsed), nil
	case map[string]any:
		for name, value := range wanted {
			label, ok := metadataLabel(name, value)
			if !ok {
				return nil, fmt.Errorf("langchain: metadata %s of type %T cannot be filtered by", name, value)
			}
			filter = filter.And(hannoy.FilterLabel(label))
		}
		return filter, nil
	}
	return nil, fmt.Errorf("langchain: filters of type %T: give a map[string]any, a string or a *hannoy.Filter", o.Filters)
}
