package queue

import (
	"testing"
	"time"
)

func TestBackOffGrowsToItsBound(t *testing.T) {
	t.Parallel()
	b := BackOff{First: 5 * time.Second, Most: 20 * time.Minute}
	for receives, want := range map[int]time.Duration{
		0: 5 * time.Second, 1: 5 * time.Second, 2: 10 * time.Second, 5: 80 * time.Second,
		9: 20 * time.Minute, 10: 20 * time.Minute, 1000: 20 * time.Minute,
	} {
		for range 50 {
			if got := b.after(receives); got < want*3/4 || got > want {
				t.Errorf("after %d receives: %s, want about %s", receives, got, want)
			}
		}
	}
}
