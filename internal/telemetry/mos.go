package telemetry

// The E-model of ITU-T G.107 with the delay term of Cole & Rosenbluth (2001) and the packet-loss robustness of G.113
// Appendix I for G.711 with concealment: a conservative stand-in for Opus, for which no robustness is standardised.
const (
	defaultRating  = 93.2
	lossRobustness = 25.1
	frameMillis    = 20
	kneeMillis     = 177.3 // beyond it people begin to talk over each other
)

// rate returns the rating R of a path with so much delay one way and so much loss.
func rate(oneWayMillis, lossPercent float64) float64 {
	delay := 0.024 * oneWayMillis
	if oneWayMillis > kneeMillis {
		delay += 0.11 * (oneWayMillis - kneeMillis)
	}
	const worstLoss = 95
	return defaultRating - delay - worstLoss*lossPercent/(lossPercent+lossRobustness)
}

// mosOf returns the mean opinion score of a rating.
func mosOf(r float64) float64 {
	switch {
	case r < 6.5: // below it the polynomial dips under 1
		return 1
	case r > 100:
		return 4.5
	}
	return max(1, 1+0.035*r+7e-6*r*(r-60)*(100-r))
}

// oneWay returns the delay of a path: half the round trip, what the jitter buffer adds, one frame.
func oneWay(roundTripMillis, bufferMillis float64) float64 {
	return roundTripMillis/2 + bufferMillis + frameMillis
}

// bufferFor is the buffer that an interarrival jitter asks for.
func bufferFor(jitterMillis float64) float64 { return 2 * jitterMillis }

// qualityOf names a score after the categories of user satisfaction in G.107 Annex B.
func qualityOf(mos float64) string {
	switch {
	case mos >= 4.0:
		return "good"
	case mos >= 3.6:
		return "fair"
	case mos >= 3.1:
		return "poor"
	}
	return "bad"
}
