package inspect

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// A mapPoint is a vector on the map of a report.
type mapPoint struct {
	X     float64 `json:"x"`
	Y     float64 `json:"y"`
	Key   string  `json:"key"`
	Label string  `json:"label"` // the first one; empty: none
}

// mostOnMap bounds the work, which is to compare each with each, to some seconds: 2,200 vectors of 4,096 numbers.
func mostOnMap(dimensions int) int { return int(math.Sqrt(2e10 / float64(dimensions))) }

// mapOf lays items out so that near ones are near.
func mapOf(ctx context.Context, style operand.KeyStyle, items []hannoy.Item) ([]mapPoint, error) {
	rows := make([][]float64, len(items))
	for i, item := range items {
		rows[i] = numbersOf(item)
	}
	at := components(rows)
	if err := laidOut(ctx, rows, at); err != nil {
		return nil, err
	}
	points := make([]mapPoint, len(items))
	for i, item := range items {
		p := mapPoint{X: terminal.Rounded(at[i][0], 3), Y: terminal.Rounded(at[i][1], 3), Key: style.Text(item.Key)}
		if len(item.Labels) > 0 {
			p.Label = item.Labels[0]
		}
		points[i] = p
	}
	return points, nil
}

// components centres the rows and tells where each lies along the two directions in which they differ most.
func components(rows [][]float64) [][2]float64 {
	centre(rows)
	first := principal(rows, nil)
	second := principal(rows, first)
	points := make([][2]float64, len(rows))
	for i, row := range rows {
		points[i] = [2]float64{product(row, first), product(row, second)}
	}
	return points
}

func numbersOf(item hannoy.Item) []float64 {
	var row []float64
	for _, v := range item.Vector {
		row = append(row, float64(v))
	}
	for _, b := range item.Bits {
		for bit := 7; bit >= 0; bit-- {
			row = append(row, float64(b>>bit&1))
		}
	}
	return row
}

// centre takes the mean off every row.
func centre(rows [][]float64) {
	mean := make([]float64, len(rows[0]))
	for _, row := range rows {
		for i, v := range row {
			mean[i] += v / float64(len(rows))
		}
	}
	for _, row := range rows {
		for i := range row {
			row[i] -= mean[i]
		}
	}
}

// powerSteps of the power iteration are plenty for a picture.
const powerSteps = 60

// principal is the unit direction along which the rows differ most, apart from the one that is given.
func principal(rows [][]float64, apart []float64) []float64 {
	random := rand.New(rand.NewPCG(seedOfReport, uint64(len(apart))))
	direction := make([]float64, len(rows[0]))
	for i := range direction {
		direction[i] = random.NormFloat64()
	}
	next := make([]float64, len(direction))
	for range powerSteps {
		orthonormal(direction, apart)
		clear(next)
		for _, row := range rows {
			along := product(row, direction)
			for i, v := range row {
				next[i] += along * v
			}
		}
		copy(direction, next)
	}
	orthonormal(direction, apart)
	return direction
}

// orthonormal takes what lies along another direction off, and scales to length 1 what is left, if anything is.
func orthonormal(direction, apart []float64) {
	if apart != nil {
		along := product(direction, apart)
		for i, v := range apart {
			direction[i] -= along * v
		}
	}
	length := math.Sqrt(product(direction, direction))
	if length == 0 {
		return
	}
	for i := range direction {
		direction[i] /= length
	}
}

func product(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
