package faults_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// most is how much longer than on a machine that does nothing else anything may take.
const most = 4

// within begins to measure something that must not take longer than the limit; the function returned ends it. The limit is
// for a machine that does nothing else. Where more processes want the processors than there are, it is as much longer.
func within(t *testing.T, what string, limit time.Duration) (end func()) {
	t.Helper()
	began, before := time.Now(), crowd(t)
	return func() {
		t.Helper()
		took := time.Since(began)
		limit := time.Duration(float64(limit) * min(most, max(1, before, crowd(t))))
		t.Logf("%s after %s; the limit now is %s", what, took.Round(time.Second), limit.Round(time.Second))
		if took > limit {
			t.Errorf("%s after %s, want %s at most", what, took, limit)
		}
	}
}

// crowd is how many processes have wanted each processor in the last minute.
func crowd(t *testing.T) float64 {
	t.Helper()
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	var load float64
	if _, err := fmt.Sscan(string(raw), &load); err != nil {
		t.Fatal(err)
	}
	return load / float64(runtime.NumCPU())
}
