package measure

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// A chart is a picture of curves: recall to the right, queries per second upwards in powers.
type chart struct {
	title string
	k     int
	lines [][]Figures // one for each number of threads
	left  float64     // recall at the left edge; the right one is 1
	ticks []float64   // of queries per second: 1, 2, 5, 10 ..., from the lower edge to the upper one
	out   bytes.Buffer
}

// The picture, in pixels: the frame of the curves and the room around it for what is written.
const (
	chartWidth, chartHeight           = 760, 500
	frameLeft, frameTop               = 80, 50
	frameRight, frameBottom           = chartWidth - 30, chartHeight - 60
	frameWidth, frameHeight           = frameRight - frameLeft, frameBottom - frameTop
	tickLength, dotRadius, textOffset = 5, 4, 9
)

// The colours keep apart for eyes that see few of them (Okabe and Ito, 2008).
var lineColours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}

// NewChart takes the points by threads and then by ef, the same ones for all threads.
func NewChart(title string, k int, points []Figures) *chart {
	c := &chart{title: title, k: k, left: 1}
	slow, fast := math.Inf(1), 0.0
	for _, p := range points {
		c.left = min(c.left, *p.Recall)
		slow, fast = min(slow, p.QPS), max(fast, p.QPS)
		if n := len(c.lines); n == 0 || c.lines[n-1][0].Threads != p.Threads {
			c.lines = append(c.lines, nil)
		}
		last := &c.lines[len(c.lines)-1]
		*last = append(*last, p)
	}
	step := c.recallStep()
	c.left = max(0, math.Floor(c.left/step-0.1)*step)
	c.ticks = decadeTicks(slow, fast)
	return c
}

// recallStep is how far apart the recalls are that are written below the curves: 1, 2 or 5 of some decimal place,
// so that there are about five of them.
func (c *chart) recallStep() float64 {
	span := max(1-c.left, 0.005)
	for decade := 0.001; ; decade *= 10 {
		for _, times := range []float64{1, 2, 5} {
			if span/(decade*times) <= 6 {
				return decade * times
			}
		}
	}
}

// decadeTicks are the numbers 1, 2, 5, 10, 20 ... from the last one below slow to the first one above fast.
func decadeTicks(slow, fast float64) []float64 {
	var ticks []float64
	for decade := math.Pow(10, math.Floor(math.Log10(max(slow, 0.01)))); ; decade *= 10 {
		for _, times := range []float64{1, 2, 5} {
			tick := decade * times
			if tick <= slow {
				ticks = ticks[:0] // those before it are not needed
			}
			ticks = append(ticks, tick)
			if tick > fast && len(ticks) > 1 {
				return ticks
			}
		}
	}
}

func (c *chart) x(recall float64) float64 {
	return frameLeft + (recall-c.left)/(1-c.left)*frameWidth
}

func (c *chart) y(qps float64) float64 {
	low, high := math.Log(c.ticks[0]), math.Log(c.ticks[len(c.ticks)-1])
	return frameBottom - (math.Log(max(qps, c.ticks[0]))-low)/(high-low)*frameHeight
}

// SVG draws the picture.
func (c *chart) SVG() []byte {
	fmt.Fprintf(&c.out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %d" font-family="sans-serif" font-size="13" fill="#222">`+"\n",
		chartWidth, chartHeight, chartHeight)
	fmt.Fprintf(&c.out, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", chartWidth, chartHeight)
	c.text(frameLeft, frameTop-22, `font-size="15"`, c.title)
	c.axes()
	for i, line := range c.lines {
		c.line(line, lineColours[i%len(lineColours)])
		c.legend(i, line[0].Threads, lineColours[i%len(lineColours)])
	}
	c.widths()
	c.out.WriteString("</svg>\n")
	return c.out.Bytes()
}

func (c *chart) text(x, y float64, style, text string) {
	fmt.Fprintf(&c.out, `<text x="%.1f" y="%.1f" %s>`, x, y, style)
	xml.EscapeText(&c.out, []byte(text))
	c.out.WriteString("</text>\n")
}

func (c *chart) rule(x1, y1, x2, y2 float64, colour string) {
	fmt.Fprintf(&c.out, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`+"\n", x1, y1, x2, y2, colour)
}

func (c *chart) axes() {
	const grid, ink = "#ddd", "#222"
	step := c.recallStep()
	for i := 0; ; i++ {
		recall := c.left + float64(i)*step
		if recall > 1+step/2 {
			break
		}
		x := c.x(min(recall, 1))
		c.rule(x, frameTop, x, frameBottom, grid)
		c.rule(x, frameBottom, x, frameBottom+tickLength, ink)
		c.text(x, frameBottom+tickLength+15, `text-anchor="middle"`, strconv.FormatFloat(terminal.Rounded(min(recall, 1), 3), 'f', -1, 64))
	}
	for _, tick := range c.ticks {
		y := c.y(tick)
		c.rule(frameLeft, y, frameRight, y, grid)
		c.rule(frameLeft-tickLength, y, frameLeft, y, ink)
		label := terminal.Thousands(int64(tick))
		if tick < 1 {
			label = fmt.Sprint(tick)
		}
		c.text(frameLeft-textOffset, y+4, `text-anchor="end"`, label)
	}
	c.rule(frameLeft, frameBottom, frameRight, frameBottom, ink)
	c.rule(frameLeft, frameTop, frameLeft, frameBottom, ink)
	c.text((frameLeft+frameRight)/2, chartHeight-18, `text-anchor="middle"`, fmt.Sprintf("recall@%d", c.k))
	c.text(0, 0, fmt.Sprintf(`text-anchor="middle" transform="translate(18 %d) rotate(-90)"`, (frameTop+frameBottom)/2), "queries per second (logarithmic)")
}

// line draws the points of one number of threads.
func (c *chart) line(points []Figures, colour string) {
	fmt.Fprintf(&c.out, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, colour)
	for _, p := range points {
		fmt.Fprintf(&c.out, "%.1f,%.1f ", c.x(*p.Recall), c.y(p.QPS))
	}
	c.out.WriteString("\"/>\n")
	for _, p := range points {
		fmt.Fprintf(&c.out, `<circle cx="%.1f" cy="%.1f" r="%d" fill="%s"/>`+"\n", c.x(*p.Recall), c.y(p.QPS), dotRadius, colour)
	}
}

// widths writes each ef once, under the lowest of its points: these have one recall, whatever the threads. Where two would
// lie over each other the smaller ef is written.
func (c *chart) widths() {
	lowest := slices.Clone(c.lines[0])
	for _, line := range c.lines[1:] {
		for i, p := range line {
			if p.QPS < lowest[i].QPS {
				lowest[i] = p
			}
		}
	}
	var written [][2]float64
	for _, p := range lowest {
		x, y := c.x(*p.Recall)-textOffset, c.y(p.QPS)+textOffset+6
		if slices.ContainsFunc(written, func(w [2]float64) bool { return math.Abs(x-w[0]) < 45 && math.Abs(y-w[1]) < 11 }) {
			continue
		}
		written = append(written, [2]float64{x, y})
		c.text(x, y,
			`text-anchor="end" font-size="11" stroke="#fff" stroke-width="3" paint-order="stroke"`, fmt.Sprintf("ef %d", p.Ef))
	}
}

// legend names the lines in the lower left corner, where a good curve does not pass.
func (c *chart) legend(i, threads int, colour string) {
	y := float64(frameBottom - 16 - 20*(len(c.lines)-1-i))
	fmt.Fprintf(&c.out, `<circle cx="%d" cy="%.1f" r="%d" fill="%s"/>`+"\n", frameLeft+18, y-4, dotRadius, colour)
	c.text(frameLeft+30, y, "", terminal.Plural(threads, "thread"))
}
