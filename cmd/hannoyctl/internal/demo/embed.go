package demo

import (
	"context"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// The demo's vectors need no model and no network: a text is the bag of its words and of their character n-grams,
// weighted by tf-idf and hashed into a few hundred dimensions with random signs (feature hashing: Weinberger and others,
// 2009), which keeps inner products up to noise. Texts that share rare words become neighbours.

const (
	demoDimensions = 256
	// hashesPerFeature spreads a feature over several dimensions, so that two of them do not coincide altogether.
	hashesPerFeature = 4
	// gramLetters is the length of character n-grams; they make "encode", "encoder" and "encoding" alike.
	gramLetters = 4
)

// embed makes a vector of length 1 of each entry.
func embed(ctx context.Context, entries []entry, threads int, bar *terminal.Bar) ([][]float32, error) {
	bags := make([]map[string]float64, len(entries))
	err := measure.InParallel(ctx, threads, len(entries), func(i int) error {
		bags[i] = features(entries[i])
		return nil
	}, func(done int64) { bar.Set("words", done, int64(len(entries)), -1) })
	if err != nil {
		return nil, err
	}
	in := map[string]int{}
	for _, bag := range bags {
		for f := range bag {
			in[f]++
		}
	}
	vectors := make([][]float32, len(entries))
	err = measure.InParallel(ctx, threads, len(entries), func(i int) error {
		vectors[i] = hashed(bags[i], in, len(entries))
		return nil
	}, func(done int64) { bar.Set("vectors", done, int64(len(entries)), -1) })
	return vectors, err
}

// The weights say what makes two entries alike: words of the name most, then words of the text, then parts of words.
const (
	nameWeight    = 2.0
	packageWeight = 0.7
	textWeight    = 1.0
	gramWeight    = 0.25
)

// features counts the words and n-grams of an entry. A word counts less each time it comes again.
func features(e entry) map[string]float64 {
	bag := map[string]float64{}
	pkg, name, _ := strings.Cut(e.name, ".")
	for _, w := range words(pkg) {
		bag[w] += packageWeight
	}
	for _, w := range words(name) {
		bag[w] += nameWeight
	}
	for _, w := range words(e.text) {
		bag[w] += textWeight
	}
	for w, weight := range bag {
		bag[w] = 1 + math.Log(1+weight)
	}
	for _, w := range slices.Sorted(maps.Keys(bag)) {
		padded := "#" + w + "#"
		for i := 0; i+gramLetters <= len(padded); i++ {
			bag["#"+padded[i:i+gramLetters]] += gramWeight * bag[w]
		}
	}
	return bag
}

// words splits at capitals and at everything that is neither letter nor digit, and lowers: "ReadFull" is read, full.
func words(s string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 1 {
			out = append(out, string(word))
		}
		word = word[:0]
	}
	previous := ' '
	for _, r := range s {
		inWord := unicode.IsLetter(r) || unicode.IsDigit(r)
		if !inWord || unicode.IsUpper(r) && unicode.IsLower(previous) {
			flush()
		}
		if inWord {
			word = append(word, unicode.ToLower(r))
		}
		previous = r
	}
	flush()
	return out
}

// hashed adds up the features with random signs and scales to length 1.
func hashed(bag map[string]float64, in map[string]int, entries int) []float32 {
	var sum [demoDimensions]float64
	// In order: the sums round the same way in every run.
	for _, f := range slices.Sorted(maps.Keys(bag)) {
		if in[f] < 2 {
			continue // shared with nothing
		}
		weight := bag[f] * math.Log(float64(entries)/float64(in[f]))
		h := fnv.New64a()
		h.Write([]byte(f))
		bits := mix(h.Sum64())
		for range hashesPerFeature {
			sign := 1 - 2*float64(bits&1)
			sum[bits>>1%demoDimensions] += sign * weight
			bits >>= 16
		}
	}
	var length float64
	for _, v := range sum {
		length += v * v
	}
	vector := make([]float32, demoDimensions)
	if length == 0 {
		vector[0] = 1 // nothing to go by; cosine wants some direction
		return vector
	}
	for i, v := range sum {
		vector[i] = float32(v / math.Sqrt(length))
	}
	return vector
}

// mix spreads the differences of FNV's low bits over all of them (the finaliser of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
