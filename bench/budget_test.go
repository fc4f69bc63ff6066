package main

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/earshot-hq/earshot/bench/internal/sheet"
)

func TestRunsEndWithTheirTime(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		each       time.Duration
		most, want int
		said       string
	}{
		"all":             {time.Millisecond, 8, 8, ""},
		"progress":        {3 * time.Second, 8, 8, "list: run 3 of 8"},
		"out of time":     {20 * time.Second, 8, 4, "list: 4 runs of 8, as its time is over"},
		"never too few":   {10 * time.Minute, 8, fewest, "list: 4 runs of 8"},
		"no more than so": {10 * time.Minute, 2, 2, "list: run 2 of 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var said []string
				got := 0
				for run := range (budget{"list", time.Minute, func(line string) { said = append(said, line) }}).runs(test.most) {
					if run != got {
						t.Errorf("run %d is called %d", got, run)
					}
					got++
					<-time.After(test.each)
				}
				if text := strings.Join(said, "\n"); got != test.want || !strings.Contains(text, test.said) || test.said == "" && text != "" {
					t.Errorf("%d runs; it said\n%s", got, text)
				}
			})
		})
	}
}

func TestOneMeasureDoesNotHoldUpTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := func(value float64) func(context.Context, *bench) ([]sheet.Figure, error) {
			return func(context.Context, *bench) ([]sheet.Figure, error) {
				return []sheet.Figure{{ID: "one", Value: value}}, nil
			}
		}
		b := &bench{out: io.Discard, budget: time.Minute}
		began := time.Now()
		figures, err := b.takeAll(t.Context(), []measure{
			{"breaks", func(context.Context, *bench) ([]sheet.Figure, error) { return nil, errors.New("search is away") }},
			{"hangs", func(ctx context.Context, _ *bench) ([]sheet.Figure, error) { <-ctx.Done(); return nil, ctx.Err() }},
			{"divides by nothing", one(math.NaN())},
			{"is empty", func(context.Context, *bench) ([]sheet.Figure, error) { return nil, nil }},
			{"works", one(1)},
		})
		if len(figures) != 5 || figures[4].ID != "one" || slices.ContainsFunc(figures[:4], func(f sheet.Figure) bool { return !f.IsMissing() }) {
			t.Fatalf("figures %+v", figures)
		}
		if took := time.Since(began); took != patience+longest*b.budget {
			t.Errorf("all took %s", took)
		}
		for _, want := range []string{"measure breaks: search is away", "measure hangs: it was given up after 14m0s", "one is NaN of 0 runs", "nothing was measured"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %q", err, want)
			}
		}
	})
}

func TestWhatWasMeasuredIsKeptWhenTheRestIsCalledOff(t *testing.T) {
	t.Parallel()
	ctx, callOff := context.WithCancel(t.Context())
	b := &bench{out: io.Discard, budget: time.Minute}
	figures, err := b.takeAll(ctx, []measure{
		{"first", func(context.Context, *bench) ([]sheet.Figure, error) {
			return []sheet.Figure{{ID: "first", Value: 1}}, nil
		}},
		{"second", func(ctx context.Context, _ *bench) ([]sheet.Figure, error) { callOff(); return nil, ctx.Err() }},
		{"third", func(context.Context, *bench) ([]sheet.Figure, error) { t.Error("it is taken"); return nil, nil }},
	})
	if !errors.Is(err, context.Canceled) || len(figures) != 1 {
		t.Errorf("figures %v, error %v", figures, err)
	}
}

func TestRunsThatOverlapComeBackInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := budget{"posts", time.Minute, func(string) {}}.runs(5)
		got, err := apartBy(t.Context(), time.Second, runs, func(_ context.Context, run int) (int, error) {
			<-time.After(time.Duration(10-2*run) * time.Second) // the last is the first to be done
			return run, nil
		})
		if err != nil || !slices.Equal(got, []int{0, 1, 2, 3, 4}) {
			t.Errorf("got %v, %v", got, err)
		}
		began := time.Now()
		if _, err := apartBy(t.Context(), time.Second, runs, func(ctx context.Context, run int) (int, error) {
			if run == 1 {
				return 0, errors.New("refused")
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}); err == nil || err.Error() != "refused" || time.Since(began) != time.Second {
			t.Errorf("error %v after %s", err, time.Since(began))
		}
	})
}
