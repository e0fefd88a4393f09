package inspect

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
)

// The map is laid out as by UMAP (McInnes, Healy and Melville, 2018): each vector is joined to the nearest of the sample, the
// joined attract each other, all others repel, by steps that grow smaller. What is near on the map is near; how far groups are from each
// other says little.
const (
	layoutNeighbours = 12
	layoutEpochs     = 200
	layoutRepelled   = 5   // others for each attraction
	layoutWidth      = 20. // of the points at first
	// Of the curve 1/(1+a*d^2b) by which attraction falls with distance, for points that may come as near as 0.1.
	curveA, curveB = 1.577, 0.895
	steepest       = 4. // a step moves a point no farther
)

// An edge joins two points of the map.
type edge struct {
	from, to int
	weight   float64 // 0 to 1
}

// laidOut moves points, which stand where the principal components put them, to where their neighbours are.
func laidOut(ctx context.Context, rows [][]float64, points [][2]float64) error {
	edges, err := edgesOf(ctx, rows)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(seedOfReport, 2))
	spread(points, random)
	for epoch := range layoutEpochs {
		if err := ctx.Err(); err != nil {
			return err
		}
		step := 1 - float64(epoch)/layoutEpochs
		for _, e := range edges {
			if random.Float64() > e.weight {
				continue
			}
			attract(&points[e.from], &points[e.to], step)
			for range layoutRepelled {
				if other := random.IntN(len(points)); other != e.from {
					repel(&points[e.from], &points[other], step)
				}
			}
		}
	}
	return nil
}

// spread scales the points to a common width. A little noise parts those that coincide.
func spread(points [][2]float64, random *rand.Rand) {
	var most float64
	for _, p := range points {
		most = max(most, math.Abs(p[0]), math.Abs(p[1]))
	}
	for i := range points {
		for axis := range points[i] {
			if most > 0 {
				points[i][axis] *= layoutWidth / 2 / most
			}
			points[i][axis] += 1e-3 * random.NormFloat64()
		}
	}
}

func attract(a, b *[2]float64, step float64) {
	x, y := a[0]-b[0], a[1]-b[1]
	d := x*x + y*y
	if d == 0 {
		return
	}
	near := math.Pow(d, curveB)
	pull := -2 * curveA * curveB * near / d / (1 + curveA*near)
	x, y = bounded(pull*x)*step, bounded(pull*y)*step
	a[0], a[1], b[0], b[1] = a[0]+x, a[1]+y, b[0]-x, b[1]-y
}

func repel(a, b *[2]float64, step float64) {
	x, y := a[0]-b[0], a[1]-b[1]
	d := x*x + y*y
	push := 2 * curveB / ((0.001 + d) * (1 + curveA*math.Pow(d, curveB)))
	a[0], a[1] = a[0]+bounded(push*x)*step, a[1]+bounded(push*y)*step
}

func bounded(v float64) float64 { return min(max(v, -steepest), steepest) }

// edgesOf joins each row to its nearest ones, by weights that fall from the nearest one outwards, alike in dense and thin regions.
func edgesOf(ctx context.Context, rows [][]float64) ([]edge, error) {
	near := make([][]edge, len(rows))
	err := measure.InParallel(ctx, runtime.GOMAXPROCS(0), len(rows), func(i int) error {
		near[i] = weighed(nearestRows(rows, i))
		return nil
	}, func(int64) {})
	if err != nil {
		return nil, err
	}
	both := map[[2]int]float64{}
	for _, list := range near {
		for _, e := range list {
			pair := [2]int{min(e.from, e.to), max(e.from, e.to)}
			both[pair] += e.weight - both[pair]*e.weight
		}
	}
	edges := make([]edge, 0, len(both))
	for pair, weight := range both {
		edges = append(edges, edge{pair[0], pair[1], weight}, edge{pair[1], pair[0], weight})
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	return edges, nil
}

// nearestRows are the edges from a row to the nearest others, with distances for weights.
func nearestRows(rows [][]float64, from int) []edge {
	var best []edge
	for to, row := range rows {
		if to == from {
			continue
		}
		var sum float64
		for i, v := range rows[from] {
			d := v - row[i]
			sum += d * d
		}
		if len(best) == layoutNeighbours && sum >= best[len(best)-1].weight {
			continue
		}
		if len(best) == layoutNeighbours {
			best = best[:len(best)-1]
		}
		at, _ := slices.BinarySearchFunc(best, sum, func(e edge, sum float64) int { return cmp.Compare(e.weight, sum) })
		best = slices.Insert(best, at, edge{from, to, sum})
	}
	for i := range best {
		best[i].weight = math.Sqrt(best[i].weight)
	}
	return best
}

// weighed turns the distances of edges into weights: 1 for the nearest, falling so that they add up to the same sum everywhere.
func weighed(edges []edge) []edge {
	if len(edges) == 0 {
		return nil
	}
	want, first := math.Log2(float64(len(edges)+1)), edges[0].weight
	sum := func(scale float64) (s float64) {
		for _, e := range edges {
			s += math.Exp(-(e.weight - first) / scale)
		}
		return s
	}
	low, high := 0.0, 1.0
	for range 60 {
		if sum(high) > want {
			break
		}
		high *= 2
	}
	for range 40 {
		if scale := (low + high) / 2; sum(scale) > want {
			high = scale
		} else {
			low = scale
		}
	}
	for i, e := range edges {
		edges[i].weight = math.Exp(-(e.weight - first) / high)
	}
	return edges
}
