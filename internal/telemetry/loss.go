package telemetry

// lossWindow is over how long the loss of the outbound direction is judged: its RTCP reports come in lumps.
const lossWindow Instant = 10_000

// tellLoss sets what part of the packets of each second was lost. The samples are of one contact and stream type, in order
// of time. A suspect sample takes no part, nor one whose counts are unknown.
func tellLoss(group []*sample) {
	for i, s := range group {
		if !s.counted {
			continue
		}
		loss, known := lossOfSecond(s)
		if !s.input {
			loss, known = lossOfWindow(group, i)
		}
		if known {
			s.loss, s.doc.LossPercent = &loss, rounded(loss)
		}
	}
}

func lossOfSecond(s *sample) (float64, bool) {
	if s.lost+s.packets == 0 {
		return 0, false
	}
	return 100 * float64(s.lost) / float64(s.lost+s.packets), true
}

// lossOfWindow takes the ten seconds that end with sample i; where the batch has not begun that early, its first ten.
func lossOfWindow(group []*sample, i int) (float64, bool) {
	from := max(group[i].at-lossWindow+1, group[0].at)
	to := from + lossWindow - 1
	var lost, packets int64
	for _, s := range group {
		if s.counted && s.at >= from && s.at <= to {
			lost += s.lost
			packets += s.packets
		}
	}
	if packets == 0 {
		return 0, false
	}
	return min(100, 100*float64(lost)/float64(packets)), true
}
