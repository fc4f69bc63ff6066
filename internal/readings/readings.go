// Package readings writes measured values as people read them: as many digits as the measurement is worth, and no more.
package readings

import (
	"math"
	"strconv"
)

// A Unit is what a value is measured in.
type Unit struct {
	sign     string
	decimals int
}

// The units of what is measured of calls.
var (
	Percent  = Unit{" %", 1}
	Millis   = Unit{" ms", 0}
	MOS      = Unit{"", 2}
	Seconds  = Unit{" s", 1}
	Duration = Unit{" s", 0} // counted in whole seconds
	Count    = Unit{"", 0}
)

// Decimals is how many a value is written with.
func (u Unit) Decimals() int { return u.decimals }

// Number writes a value without its unit.
func (u Unit) Number(value float64) string { return u.write(value) }

// Text writes a value with its unit.
func (u Unit) Text(value float64) string { return u.write(value) + u.sign }

// Beyond writes a value that is beyond a limit, without its unit. Where rounding would bring it back to the limit it is rounded
// away: 2.52 % of at most 2.5 % is written as 2.6.
func (u Unit) Beyond(value, limit float64) string {
	scale := math.Pow10(u.decimals)
	switch rounded := math.Round(value*scale) / scale; {
	case value > limit && rounded <= limit:
		value = math.Floor(limit*scale+1) / scale
	case value < limit && rounded >= limit:
		value = math.Ceil(limit*scale-1) / scale
	}
	return u.write(value)
}

func (u Unit) write(value float64) string {
	scale := math.Pow10(u.decimals)
	return strconv.FormatFloat(math.Floor(value*scale+0.5)/scale, 'f', u.decimals, 64) // halves go up, as people expect
}
