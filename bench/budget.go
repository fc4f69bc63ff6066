package main

import (
	"fmt"
	"iter"
	"time"
)

const (
	fewest    = 3 // runs that are always taken: one may warm things up
	toldEvery = 5 * time.Second
)

// A budget bounds how long something is measured, and tells how far it has come.
type budget struct {
	what string
	time time.Duration
	tell func(line string)
}

// A progress tells how far something has come that is not repeated, no oftener than anybody wants to read it.
type progress struct {
	tell func(line string)
	told time.Time
}

func (b *bench) progress() *progress { return &progress{b.tell, time.Now()} }

func (p *progress) at(format string, values ...any) {
	if time.Since(p.told) >= toldEvery {
		p.tell(fmt.Sprintf(format, values...))
		p.told = time.Now()
	}
}

// repeat numbers the runs of what is measured, from 0: most of them, or as many as begin in time.
func (b *bench) repeat(what string, most int) iter.Seq[int] {
	return budget{what, b.budget, b.tell}.runs(most)
}

// repeatPart is repeat for one of several parts that share the time.
func (b *bench) repeatPart(what string, most, parts int) iter.Seq[int] {
	return budget{what, b.budget / time.Duration(parts), b.tell}.runs(most)
}

func (b budget) runs(most int) iter.Seq[int] {
	return func(yield func(int) bool) {
		began := time.Now()
		told := began
		for run := range most {
			now := time.Now()
			if run >= fewest && now.Sub(began) > b.time {
				b.tell(fmt.Sprintf("%s: %d runs of %d, as its time is over", b.what, run, most))
				return
			}
			if now.Sub(told) >= toldEvery {
				b.tell(fmt.Sprintf("%s: run %d of %d", b.what, run+1, most))
				told = now
			}
			if !yield(run) {
				return
			}
		}
	}
}
