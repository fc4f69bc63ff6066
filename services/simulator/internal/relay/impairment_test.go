package relay

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	rtp   = []byte{0x80, 111}
	rtcp  = []byte{0x81, 201}
	check = []byte{0x00, 0x01}
	dtls  = []byte{22, 254}
)

func TestLossComesOutAsAsked(t *testing.T) {
	t.Parallel()
	const packets = 200_000
	for name, tt := range map[string]struct {
		impairment Impairment
		loss       float64
		burst      float64 // mean run of lost packets
	}{
		"none":                {Impairment{}, 0, 0},
		"one by one":          {Impairment{Loss: 0.05}, 0.05, 1 / 0.95},
		"bursts of four":      {Impairment{Loss: 0.05, BurstPackets: 4}, 0.05, 4},
		"long bursts, a lot":  {Impairment{Loss: 0.3, BurstPackets: 10}, 0.3, 10},
		"a burst of one":      {Impairment{Loss: 0.1, BurstPackets: 1}, 0.1, 1 / 0.9},
		"everything":          {Impairment{Loss: 1, BurstPackets: 4}, 1, packets},
		"delay loses nothing": {Impairment{DelayMillis: 40, JitterMillis: 30}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFate(7, 1)
			lost, runs, before := 0, 0, true
			for range packets {
				_, passes := f.next(tt.impairment, rtp)
				if !passes {
					lost++
					if before {
						runs++
					}
				}
				before = passes
			}
			assert.InDelta(t, tt.loss, float64(lost)/packets, 0.005)
			assert.InEpsilon(t, tt.burst+1, float64(lost)/math.Max(1, float64(runs))+1, 0.05)
		})
	}
}

func TestDelayStaysWithinItsJitter(t *testing.T) {
	t.Parallel()
	f := newFate(1, 1)
	least, most := time.Hour, time.Duration(0)
	for range 10_000 {
		delay, passes := f.next(Impairment{DelayMillis: 40, JitterMillis: 30}, rtp)
		require.True(t, passes)
		least, most = min(least, delay), max(most, delay)
	}
	assert.GreaterOrEqual(t, least, 40*time.Millisecond)
	assert.Less(t, least, 41*time.Millisecond)
	assert.Less(t, most, 70*time.Millisecond)
	assert.Greater(t, most, 69*time.Millisecond)
}

func TestSilenceLeavesThePath(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		packet []byte
		passes bool
	}{
		"RTP":                {rtp, false},
		"RTCP":               {rtcp, false},
		"connectivity check": {check, true},
		"DTLS":               {dtls, true},
		"nothing":            {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, passes := newFate(1, 1).next(Impairment{Silent: true}, tt.packet)
			assert.Equal(t, tt.passes, passes)
		})
	}
}

func TestASeedTellsTheSameStoryWhateverIsInForceBefore(t *testing.T) {
	t.Parallel()
	calm, rough := newFate(3, 5), newFate(3, 5)
	for range 100 {
		calm.next(Impairment{}, rtp)
		rough.next(Impairment{Loss: 0.5, JitterMillis: 10}, rtp)
	}
	for range 1000 {
		_, a := calm.next(Impairment{Loss: 0.2}, rtp)
		_, b := rough.next(Impairment{Loss: 0.2}, rtp)
		require.Equal(t, a, b)
	}
}

func TestImpairmentsOutOfBoundsAreRefused(t *testing.T) {
	t.Parallel()
	for name, i := range map[string]Impairment{
		"loss above 1":      {Loss: 1.01},
		"negative loss":     {Loss: -0.1},
		"loss of nothing":   {Loss: math.NaN()},
		"endless burst":     {Loss: 0.1, BurstPackets: math.Inf(1)},
		"negative delay":    {DelayMillis: -1},
		"delay of a minute": {DelayMillis: 60_000},
		"negative jitter":   {JitterMillis: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Error(t, Impairments{ToAgent: i}.Validate())
			require.Error(t, Impairments{FromAgent: i}.Validate())
		})
	}
	for _, millis := range []int{-1, maxAllocateMillis + 1} {
		require.Error(t, Impairments{AllocateMillis: millis}.Validate())
	}
}
