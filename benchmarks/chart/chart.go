// Package chart draws lines on two axes as SVG: enough for curves of speed against
// recall and of time against size. Series differ in colour, in the shape of their marks
// and in dashes, so that they can be told apart without seeing colours; the colours are
// those of Okabe and Ito.
package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Chart is a picture.
type Chart struct {
	Title    string
	Subtitle string
	X, Y     Axis
	Series   []Series
	Footnote string
}

// Axis is one of the two axes. Points outside of From..To are not drawn; the line to
// the first of them is cut at the edge.
type Axis struct {
	Label    string
	From, To float64
	Log      bool
	Ticks    []float64
	Format   func(float64) string // of the ticks; nil: the shortest form of the number
}

// Series is one line.
type Series struct {
	Name   string
	Style  int // colour, mark and dashes: the same style in all pictures for the same thing
	Points []Point
}

// Point is a point of a line.
type Point struct{ X, Y float64 }

const (
	width, height = 884, 520
	left, right   = 96, 220 // right of the lines stands the legend
	top, bottom   = 76, 78
)

type style struct {
	colour, dashes string
	mark           func(x, y float64) string
}

var styles = []style{
	{"#000000", "7 4", square},
	{"#0072b2", "", circle},
	{"#d55e00", "", triangle},
	{"#cc79a7", "", diamond},
	{"#009e73", "2 3", triangle},
	{"#e69f00", "10 3 2 3", diamond},
	{"#56b4e9", "4 4", cross},
}

func circle(x, y float64) string {
	return fmt.Sprintf(`<circle cx="%.1f" cy="%.1f" r="4"/>`, x, y)
}

func square(x, y float64) string {
	return fmt.Sprintf(`<rect x="%.1f" y="%.1f" width="7" height="7"/>`, x-3.5, y-3.5)
}

func triangle(x, y float64) string {
	return fmt.Sprintf(`<path d="M%.1f %.1fl4.6 8h-9.2z"/>`, x, y-5)
}

func diamond(x, y float64) string {
	return fmt.Sprintf(`<path d="M%.1f %.1fl4.8 5.2l-4.8 5.2l-4.8 -5.2z"/>`, x, y-5.2)
}

func cross(x, y float64) string {
	return fmt.Sprintf(`<path d="M%.1f %.1fl8 8m0 -8l-8 8" stroke-width="2.4" fill="none"/>`, x-4, y-4)
}

// SVG returns the picture.
func (c *Chart) SVG() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#222">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(c.Title))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	text(&b, left, 30, `font-size="18" font-weight="bold"`, c.Title)
	text(&b, left, 52, `fill="#555"`, c.Subtitle)
	text(&b, left, height-12, `fill="#555" font-size="11"`, c.Footnote)
	c.drawAxes(&b)
	fmt.Fprintf(&b, `<clipPath id="plot"><rect x="%d" y="%d" width="%d" height="%d"/></clipPath>`+"\n", left, top, width-left-right, height-top-bottom)
	for i, s := range c.Series {
		c.drawSeries(&b, s)
		drawLegend(&b, i, s)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (c *Chart) drawAxes(b *strings.Builder) {
	const x0, x1, y0, y1 = left, width - right, height - bottom, top
	for _, tick := range c.X.Ticks {
		x := c.x(tick)
		fmt.Fprintf(b, `<path d="M%.1f %dV%d" stroke="#ddd"/>`+"\n", x, y0, y1)
		text(b, x, y0+20, `text-anchor="middle"`, c.X.format(tick))
	}
	for _, tick := range c.Y.Ticks {
		y := c.y(tick)
		fmt.Fprintf(b, `<path d="M%d %.1fH%d" stroke="#ddd"/>`+"\n", x0, y, x1)
		text(b, x0-8, y+4.5, `text-anchor="end"`, c.Y.format(tick))
	}
	fmt.Fprintf(b, `<path d="M%d %dV%dH%d" stroke="#222" fill="none"/>`+"\n", x0, y1, y0, x1)
	text(b, (x0+x1)/2, y0+44, `text-anchor="middle"`, c.X.Label)
	text(b, 0, 0, fmt.Sprintf(`text-anchor="middle" transform="translate(22 %d) rotate(-90)"`, (y0+y1)/2), c.Y.Label)
}

func (c *Chart) drawSeries(b *strings.Builder, s Series) {
	st := styles[s.Style%len(styles)]
	var line, marks strings.Builder
	for _, p := range s.Points {
		x, y := c.x(p.X), c.y(p.Y)
		fmt.Fprintf(&line, " %.1f,%.1f", x, y)
		if c.X.holds(p.X) && c.Y.holds(p.Y) {
			marks.WriteString(st.mark(x, y))
		}
	}
	fmt.Fprintf(b, `<g clip-path="url(#plot)"><polyline points="%s" fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s"/></g>`+"\n", strings.TrimSpace(line.String()), st.colour, st.dashes)
	fmt.Fprintf(b, `<g fill="%s" stroke="%s">%s</g>`+"\n", st.colour, st.colour, marks.String())
}

func drawLegend(b *strings.Builder, i int, s Series) {
	st := styles[s.Style%len(styles)]
	x, y := float64(width-right+18), float64(top+12+24*i)
	fmt.Fprintf(b, `<path d="M%.1f %.1fh32" stroke="%s" stroke-width="2" stroke-dasharray="%s"/>`, x, y, st.colour, st.dashes)
	fmt.Fprintf(b, `<g fill="%s" stroke="%s">%s</g>`+"\n", st.colour, st.colour, st.mark(x+16, y))
	text(b, x+40, y+4.5, "", s.Name)
}

func text(b *strings.Builder, x, y float64, attributes, content string) {
	if content != "" {
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" %s>%s</text>`+"\n", x, y, attributes, html.EscapeString(content))
	}
}

func (c *Chart) x(v float64) float64 {
	return left + c.X.part(v)*(width-left-right)
}

func (c *Chart) y(v float64) float64 {
	return height - bottom - c.Y.part(v)*(height-top-bottom)
}

// part is where on the axis a value lies: from 0 to 1 when it is within.
func (a Axis) part(v float64) float64 {
	if a.Log {
		return math.Log(v/a.From) / math.Log(a.To/a.From)
	}
	return (v - a.From) / (a.To - a.From)
}

func (a Axis) holds(v float64) bool {
	part := a.part(v)
	return part >= -1e-9 && part <= 1+1e-9
}

func (a Axis) format(v float64) string {
	if a.Format != nil {
		return a.Format(v)
	}
	return fmt.Sprint(v)
}

// LogAxis is a logarithmic axis around the values, from a tick to a tick; the ticks are
// at 1, 2 and 5 times powers of ten.
func LogAxis(label string, values []float64) Axis {
	low, high := math.Inf(1), 0.0
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	if high == 0 {
		low, high = 1, 10
	}
	var ticks []float64
	for power := math.Floor(math.Log10(low)); power <= math.Ceil(math.Log10(high)); power++ {
		for _, step := range []float64{1, 2, 5} {
			ticks = append(ticks, step*math.Pow(10, power))
		}
	}
	for len(ticks) > 2 && ticks[1] <= low {
		ticks = ticks[1:]
	}
	for len(ticks) > 2 && ticks[len(ticks)-2] >= high {
		ticks = ticks[:len(ticks)-1]
	}
	return Axis{Label: label, From: ticks[0], To: ticks[len(ticks)-1], Log: true, Ticks: ticks, Format: Thousands}
}

// LinearAxis is an axis around the values, from a tick to a tick; the ticks are some four
// to ten steps of 1, 2 or 5 times a power of ten.
func LinearAxis(label string, values []float64) Axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	if !(low < high) {
		low, high = low-.5, low+.5
	}
	step := math.Pow(10, math.Floor(math.Log10(high-low)))
	for _, part := range []float64{.1, .2, .5} {
		if (high-low)/(step*part) <= 9 {
			step *= part
			break
		}
	}
	first, last := math.Floor(low/step+1e-9), math.Ceil(high/step-1e-9)
	var ticks []float64
	for at := first; at <= last; at++ {
		ticks = append(ticks, at*step)
	}
	return Axis{Label: label, From: ticks[0], To: ticks[len(ticks)-1], Ticks: ticks, Format: Thousands}
}

// Thousands writes a number with commas between thousands.
func Thousands(v float64) string {
	if v < 1000 {
		return fmt.Sprintf("%g", math.Round(v*1e6)/1e6)
	}
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
