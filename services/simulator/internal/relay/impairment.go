package relay

import (
	"errors"
	"math/rand/v2"
	"time"
)

// An Impairment is what becomes of the packets of one direction. The zero value lets all pass at once.
type Impairment struct {
	// Loss is the share of packets that are lost in the long run, 0 to 1.
	Loss float64 `json:"loss,omitzero"`
	// BurstPackets is the mean length of a run of lost packets. From 2 on, loss follows the Gilbert model (E. N. Gilbert,
	// "Capacity of a Burst-Noise Channel", 1960, with nothing passing in the bad state); below, packets are lost one by one.
	BurstPackets float64 `json:"burst_packets,omitzero"`
	// DelayMillis is added to each packet; JitterMillis is the most that is added beside it, evenly spread and for each packet
	// anew. Where that is more than what lies between two packets they overtake one another, as with netem of Linux: in order,
	// no interarrival jitter (RFC 3550 §6.4.1) is above twice that distance.
	DelayMillis  int `json:"delay_millis,omitzero"`
	JitterMillis int `json:"jitter_millis,omitzero"`
	// Silent takes away RTP and RTCP and leaves connectivity checks: the path is there, and nothing is heard.
	Silent bool `json:"silent,omitzero"`
}

const (
	maxBurstPackets = 1000
	maxDelayMillis  = 5000
)

var errImpairment = errors.New(
	"loss must be from 0 to 1, burst_packets from 0 to 1000, delay_millis and jitter_millis from 0 to 5000")

// Validate says whether each number is within its bounds.
func (i Impairment) Validate() error {
	inside := i.Loss >= 0 && i.Loss <= 1 && // false for NaN as well
		i.BurstPackets >= 0 && i.BurstPackets <= maxBurstPackets &&
		i.DelayMillis >= 0 && i.DelayMillis <= maxDelayMillis &&
		i.JitterMillis >= 0 && i.JitterMillis <= maxDelayMillis
	if !inside {
		return errImpairment
	}
	return nil
}

// fate decides, packet by packet, what becomes of one direction of one allocation. It draws two numbers for every packet
// whatever is in force, so that the same seed tells the same story before and after a change. One goroutine uses it.
type fate struct {
	random *rand.Rand
	bad    bool // the Gilbert model's state
}

func newFate(seed, stream uint64) *fate {
	return &fate{random: rand.New(rand.NewPCG(seed, stream))} //nolint:gosec // reproducible on purpose
}

// next says whether packet passes, and how much later.
func (f *fate) next(i Impairment, packet []byte) (delay time.Duration, passes bool) {
	chance, spread := f.random.Float64(), f.random.Float64()
	lost := f.loses(i, chance)
	if lost || i.Silent && isMedia(packet) {
		return 0, false
	}
	jitter := time.Duration(spread * float64(time.Duration(i.JitterMillis)*time.Millisecond))
	return time.Duration(i.DelayMillis)*time.Millisecond + jitter, true
}

func (f *fate) loses(i Impairment, chance float64) bool {
	if i.Loss == 0 || i.Loss == 1 || i.BurstPackets < 2 {
		f.bad = chance < i.Loss
		return f.bad
	}
	leave := 1 / i.BurstPackets              // bad to good
	enter := min(1, leave*i.Loss/(1-i.Loss)) // good to bad, so that the share of bad is Loss
	f.bad = f.bad && chance >= leave || !f.bad && chance < enter
	return f.bad
}

// isMedia knows RTP and RTCP from STUN and DTLS by the first byte (RFC 7983 §7).
func isMedia(packet []byte) bool { return len(packet) > 0 && packet[0] >= 128 && packet[0] <= 191 }
