package telemetry

import "math"

// The meanings of jitterBufferMillis.
const (
	jitterInterarrival = "interarrival"
	JitterBufferDelay  = "buffer_delay"
	jitterUnknown      = "unknown"
)

const (
	cumulativeAbove  = 2000   // no interarrival jitter is that high
	samplesPerSecond = 48_000 // the buffer-delay family sums ms over the samples played
)

// tellJitter tells by its behaviour which family the samples of one contact and stream type belong to, and sets what each
// second's jitter is. The samples are in order of time.
//
// Some libraries send the delay in the jitter buffer summed over all samples played since the connection began. Such a sum
// never falls and is soon enormous. When the connection is made anew in mid batch it begins again: each stretch without a
// fall is then judged alone, and must grow as only a sum can.
func tellJitter(group []*sample) {
	stretches := splitAtFalls(group)
	for _, stretch := range stretches {
		cumulative := isCumulative(stretch, len(stretches) > 1)
		for i, s := range stretch {
			switch {
			case cumulative:
				s.doc.JitterKind = JitterBufferDelay
				setBuffered(s, stretch[:i])
			case *s.jitter >= 0 && *s.jitter <= cumulativeAbove:
				s.doc.JitterKind = jitterInterarrival
				setInterarrival(s)
			}
		}
	}
}

func splitAtFalls(group []*sample) [][]*sample {
	var stretches [][]*sample
	var last *sample
	for _, s := range group {
		s.doc.JitterKind = jitterUnknown
		if s.jitter == nil {
			continue
		}
		if last == nil || *s.jitter < *last.jitter {
			stretches = append(stretches, nil)
		}
		stretches[len(stretches)-1] = append(stretches[len(stretches)-1], s)
		last = s
	}
	return stretches
}

func isCumulative(stretch []*sample, oneOfSeveral bool) bool {
	begin, end := *stretch[0].jitter, *stretch[len(stretch)-1].jitter
	if len(stretch) < 2 || end <= cumulativeAbove {
		return false
	}
	for _, s := range stretch {
		if *s.jitter != 0 && *s.jitter <= cumulativeAbove {
			return false
		}
	}
	// A lone outlier of the interarrival families rises too, but not by a millisecond for each sample of a second.
	return !(oneOfSeveral || begin == 0) || end-begin >= samplesPerSecond
}

// setBuffered sets the mean time in the buffer since the last earlier sample.
func setBuffered(s *sample, before []*sample) {
	for i := len(before) - 1; i >= 0; i-- {
		if elapsed := float64(s.at - before[i].at); elapsed > 0 {
			seconds := max(1, math.Round(elapsed/1000))
			delay := (*s.jitter - *before[i].jitter) / (samplesPerSecond * seconds)
			if s.hasPackets() {
				s.doc.JitterMillis, s.bufferMillis = rounded(delay), &delay
			}
			return
		}
	}
}

// setInterarrival sets the jitter as sent. A second in which every packet was lost has none of its own, but the running
// estimate (RFC 3550 §6.4.1) still holds for its rating.
func setInterarrival(s *sample) {
	delay := bufferFor(*s.jitter)
	if s.hasPackets() {
		s.doc.JitterMillis, s.bufferMillis = rounded(*s.jitter), &delay
	} else if s.input && s.lost > 0 {
		s.bufferMillis = &delay
	}
}

func rounded(value float64) *float64 {
	value = fix4(value)
	return &value
}
