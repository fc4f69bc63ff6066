package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
		"never too few":   {10 * time.Minute, 8, fewest, "list: 3 runs of 8"},
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
