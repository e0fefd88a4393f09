package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// form is how a batch puts the vectors of the pool: so that builds, each time the form has turned, must take codes
// about another middle, leave them away, or write them again.
type form uint8

const (
	asTheyAre form = iota // codes do, about the origin, too
	aside                 // all far from the origin: codes do about the middle only
	inHeaps               // two that are far from each other: codes do not
	forms

	farAway = 300

	// The batch at which the form turns puts all keys anew, or so many.
	mostTurned = 400
)

// formOf is the form of batch n: for eight batches the same, then with each another.
func formOf(n uint64) form {
	if n/8%2 == 0 {
		return form(n / 16 % uint64(forms))
	}
	return form(n % uint64(forms))
}

var workVectors = sync.OnceValue(func() (all [forms][][]float32) {
	for f := range all {
		all[f] = fixture.Vectors(workPool, workDims, 3)
		for i, v := range all[f] {
			for d := range v {
				switch {
				case form(f) == aside, form(f) == inHeaps && i%2 == 0:
					v[d] += farAway
				case form(f) == inHeaps:
					v[d] -= farAway
				}
			}
		}
	}
	return all
})

// turned is said before a build for which the form has turned.
const turned = "turned"

// turning says so if the form has turned since the last build.
func turning(ix *hannoy.Index, out io.Writer) error {
	stats, err := ix.Stats()
	if err != nil {
		return err
	}
	for n := stats.GraphSequence + 1; n <= stats.Sequence; n++ {
		if formOf(n) != formOf(n-1) {
			fmt.Fprintln(out, turned)
			break
		}
	}
	return nil
}

// vector is that of the pool in this form.
func (f form) vector(number int) []float32 { return workVectors()[f][number] }

// choosesCodes reports whether the work says which codes it wants, as every second does. Builds choose for the others.
func (w *work) choosesCodes() bool { return random(w.seed^0xc0de5, 0).IntN(2) == 0 }
