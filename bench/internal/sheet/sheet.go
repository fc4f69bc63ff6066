// Package sheet keeps what a run of the benchmarks has measured: it sums runs up, and writes the table and the file.
package sheet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// Directions of an aim.
const (
	AtMost  = "at most"
	AtLeast = "at least"
)

// A Figure is one measured value. One without a direction has no aim: it is printed only.
type Figure struct {
	ID        string  `json:"id"`
	Value     float64 `json:"value"`
	Unit      string  `json:"unit"`
	Direction string  `json:"direction"`
	Aim       float64 `json:"aim"`
	Runs      int     `json:"runs"`
	What      string  `json:"what"`

	Spread string `json:"-"` // how far the runs lie apart, for people
}

// Missing is the row of a measure that could not be taken.
func Missing(measure string, why error) Figure {
	return Figure{ID: measure, Value: math.NaN(), What: strings.Join(strings.Fields(why.Error()), " ")}
}

// IsMissing reports whether nothing was measured.
func (f Figure) IsMissing() bool { return math.IsNaN(f.Value) || math.IsInf(f.Value, 0) }

// Check refuses figures that are no numbers, as of no runs, or of a division by nothing.
func Check(figures []Figure) error {
	if len(figures) == 0 {
		return errors.New("nothing was measured")
	}
	for _, f := range figures {
		if f.IsMissing() {
			return fmt.Errorf("%s is %v of %d runs", f.ID, f.Value, f.Runs)
		}
	}
	return nil
}

// HasAim reports whether the figure is held against anything.
func (f Figure) HasAim() bool { return f.Direction != "" }

// Holds reports whether the aim is met.
func (f Figure) Holds() bool {
	switch f.Direction {
	case AtMost:
		return f.Value <= f.Aim
	case AtLeast:
		return f.Value >= f.Aim
	}
	return true
}

// isWorse reports whether f misses their common aim by more than g.
func (f Figure) isWorse(g Figure) bool {
	if f.Direction == AtLeast {
		return f.Value < g.Value
	}
	return f.Value > g.Value
}

// Write prints all figures as a table, in their order.
func Write(w io.Writer, figures []Figure) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "\nmeasure\tvalue\tspread\taim\tmet\twhat") // the writer keeps its error for Flush
	for _, f := range figures {
		value, aim, verdict := number(f.Value)+" "+f.Unit, "", ""
		if f.HasAim() {
			aim, verdict = fmt.Sprintf("%s %s", f.Direction, number(f.Aim)), "met"
			if !f.Holds() {
				verdict = "MISSED"
			}
		}
		if f.IsMissing() {
			value, verdict = "-", "NOT MEASURED"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", f.ID, value, f.Spread, aim, verdict, f.What)
	}
	return table.Flush()
}

// number writes three significant digits, and whole thousands in full.
func number(v float64) string {
	switch {
	case v >= 100 || v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Save writes the figures that have an aim and were measured, one an id: the worst where there are several.
func Save(name string, figures []Figure) error {
	kept := []Figure{}
	for _, f := range figures {
		if !f.HasAim() || f.IsMissing() {
			continue
		}
		same := slices.IndexFunc(kept, func(k Figure) bool { return k.ID == f.ID })
		switch {
		case same < 0:
			kept = append(kept, f)
		case f.isWorse(kept[same]):
			kept[same] = f
		}
	}
	text, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	partial := name + ".partial"
	if err := os.WriteFile(partial, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(partial, name)
}
