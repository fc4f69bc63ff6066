package picture_test

import (
	"slices"
	"testing"

	"github.com/earshot-hq/earshot/services/gateway/internal/picture"
)

func known(value float64) *float64 { return &value }

var scale = picture.Scale{From: 1000, To: 11_000, Least: 1, Most: 5}

func TestAGapIsNoLineAndAPointAloneADash(t *testing.T) {
	t.Parallel()
	points := []picture.Point{{1000, known(1)}, {2000, known(5)}, {3000, nil}, {9000, known(3)}, {20_000, known(9)}}
	if got, want := scale.Polylines(points, 1500), []string{"0.0,100.00 100.0,0.00", "797.0,50.00 803.0,50.00", "994.0,0.00 1000.0,0.00"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestThinnedPointsAreTheWorst(t *testing.T) {
	t.Parallel()
	var points []picture.Point
	for i := range int64(10_000) {
		value := 4.0
		if i == 4321 {
			value = 1
		}
		points = append(points, picture.Point{At: i * 1000, Value: &value})
	}
	points[5].Value = nil
	thinned, step := picture.Thin(points, 1000, func(a, b float64) bool { return a < b })
	if len(thinned) > 1000 || step < 10_000 {
		t.Errorf("%d points of %d ms", len(thinned), step)
	}
	if !slices.ContainsFunc(thinned, func(p picture.Point) bool { return p.Value != nil && *p.Value == 1 }) {
		t.Error("the one bad second is lost")
	}
	if all, none := picture.Thin(points[:10], 1000, nil); len(all) != 10 || none != 0 {
		t.Errorf("%d of 10 points, %d ms", len(all), none)
	}
}

func TestBandsCanBeSeenAndStayWithin(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		from, to int64
		want     picture.Band
	}{
		{1000, 6000, picture.Band{X: 0, Width: 500}}, {5000, 5001, picture.Band{X: 400, Width: 3}},
		{11_000, 12_000, picture.Band{X: 997, Width: 3}}, {-5, 90_000, picture.Band{X: 0, Width: 1000}},
	} {
		if got := scale.Band(row.from, row.to); got != row.want {
			t.Errorf("%d to %d: %+v, want %+v", row.from, row.to, got, row.want)
		}
	}
}

func TestSpansOfSeconds(t *testing.T) {
	t.Parallel()
	if got, want := picture.Spans([]int64{0, 1000, 2100, 9000}, 500), [][2]int64{{0, 3100}, {9000, 10_000}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
