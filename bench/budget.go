package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	fewest    = 4 // runs that are always taken: the first may warm things up, and three are a median
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

// apartBy begins runs so far apart, each while those before it may still go on, and returns what each brought, in their order.
func apartBy[T any](ctx context.Context, apart time.Duration, runs iter.Seq[int], do func(context.Context, int) (T, error)) ([]T, error) {
	var brought []*T
	group, watching := errgroup.WithContext(ctx)
	next := time.NewTicker(apart)
	defer next.Stop()
	for run := range runs {
		one := new(T)
		brought = append(brought, one)
		group.Go(func() (err error) {
			*one, err = do(watching, run)
			return err
		})
		select {
		case <-watching.Done():
		case <-next.C:
		}
		if watching.Err() != nil {
			break
		}
	}
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return nil, err
	}
	all := make([]T, 0, len(brought))
	for _, one := range brought {
		all = append(all, *one)
	}
	return all, nil
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
