// Package picture draws figures over time as the parts of an SVG, whose frame is Width by Height.
package picture

import (
	"fmt"
	"math"
	"strings"
)

// The frame's size, in its own units. It is stretched to its place.
const (
	Width  = 1000
	Height = 100
)

// A Point is a figure at an instant; one that is not known is nil.
type Point struct {
	At    int64 // milliseconds
	Value *float64
}

// A Scale says what the frame stands for.
type Scale struct {
	From, To    int64   // milliseconds, from left to right
	Least, Most float64 // from the bottom to the top
}

// X is where an instant is; those beyond the frame are at its sides.
func (s Scale) X(at int64) float64 {
	return Width * clamp(float64(at-s.From)/math.Max(float64(s.To-s.From), 1))
}

// Y is where a value is.
func (s Scale) Y(value float64) float64 {
	return Height * (1 - clamp((value-s.Least)/math.Max(s.Most-s.Least, math.SmallestNonzeroFloat64)))
}

func clamp(part float64) float64 { return math.Min(math.Max(part, 0), 1) }

// Polylines returns the points of the lines through what is known. Where nothing is known for longer than gap milliseconds a
// line ends: what was not measured is no line. A point alone is a dash, since browsers draw no line of one point.
func (s Scale) Polylines(points []Point, gap int64) (lines []string) {
	var line []string
	var last Point
	end := func() {
		if len(line) == 1 {
			line = s.dash(last)
		}
		if len(line) > 0 {
			lines = append(lines, strings.Join(line, " "))
		}
		line = nil
	}
	for _, p := range points {
		if p.Value == nil {
			continue
		}
		if p.At-last.At > gap {
			end()
		}
		line = append(line, pair(s.X(p.At), s.Y(*p.Value)))
		last = p
	}
	end()
	return lines
}

// dash returns the two ends of a dash at a point, within the frame.
func (s Scale) dash(p Point) []string {
	const length = 6
	x, y := math.Min(math.Max(s.X(p.At)-length/2, 0), Width-length), s.Y(*p.Value)
	return []string{pair(x, y), pair(x+length, y)}
}

func pair(x, y float64) string { return fmt.Sprintf("%.1f,%.2f", x, y) }

// Thin returns at most so many points: of those that fall together the worst, as isWorse tells. It also returns how many
// milliseconds one stands for, 0 when all are there.
func Thin(points []Point, most int, isWorse func(a, b float64) bool) ([]Point, int64) {
	if len(points) <= most {
		return points, 0
	}
	from, to := points[0].At, points[len(points)-1].At
	step := max((to-from)/int64(most)+1, 1)
	thinned := make([]Point, 0, most)
	for _, p := range points {
		last := len(thinned) - 1
		switch {
		case last < 0 || (p.At-from)/step != (thinned[last].At-from)/step:
			thinned = append(thinned, p)
		case p.Value != nil && (thinned[last].Value == nil || isWorse(*p.Value, *thinned[last].Value)):
			thinned[last].Value = p.Value
		}
	}
	return thinned, step
}

// A Band is a time that is marked.
type Band struct{ X, Width float64 }

// Band marks from one instant to another, wide enough to be seen.
func (s Scale) Band(from, to int64) Band {
	const least = 3
	x := s.X(from)
	width := math.Max(s.X(to)-x, least)
	return Band{X: math.Min(x, Width-least), Width: math.Min(width, Width-math.Min(x, Width-least))}
}

// Spans returns from when to when something was so, second by second; a pause of up to gap milliseconds does not end it.
func Spans(at []int64, gap int64) (spans [][2]int64) {
	const second = 1000
	for _, t := range at {
		if last := len(spans) - 1; last >= 0 && t-spans[last][1] <= gap {
			spans[last][1] = t + second
			continue
		}
		spans = append(spans, [2]int64{t, t + second})
	}
	return spans
}
