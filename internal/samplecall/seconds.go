package samplecall

import (
	"encoding/binary"
	"encoding/hex"
	"time"
)

// second is what both directions of one second measured.
type second struct {
	in, out direction
}

type direction struct {
	packets, lost, level int
	jitter               float64 // as the family means it
	roundTrip            any     // nil: unknown
}

// at is the instant of a second as browsers write it.
func (m *maker) at(second int) string {
	return m.Start.Add(time.Duration(second) * time.Second).Format("2006-01-02T15:04:05.000Z")
}

func (m *maker) uuid() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], m.dice.Uint64())
	binary.BigEndian.PutUint64(b[8:], m.dice.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (m *maker) makeSeconds() {
	summed := 0.0
	for i := range int(m.Duration / time.Second) {
		s := second{
			in:  direction{packets: 50, level: 6000 + m.dice.IntN(4000)},
			out: direction{packets: 50, level: 700 + m.dice.IntN(600), roundTrip: 60 + m.dice.IntN(40)},
		}
		m.spoil(i, &s)
		m.setJitter(&s, &summed)
		if m.Family != Interarrival {
			s.in.roundTrip = s.out.roundTrip // newer libraries know it of both
		}
		m.seconds = append(m.seconds, s)
	}
}

// spoil adds what the scenario asks for. The far end reports the loss of the uplink in lumps, every five seconds.
func (m *maker) spoil(i int, s *second) {
	switch m.Scenario {
	case LossyUplink:
		s.out.roundTrip = 160 + m.dice.IntN(80)
		if i%5 == 4 {
			s.out.lost = 10 + m.dice.IntN(8)
		}
	case Jittery:
		if m.dice.IntN(4) == 0 {
			s.in.lost, s.in.packets = 1, 49
		}
	case Silent:
		s.out.level = 0
	case Good:
	}
}

func (m *maker) setJitter(s *second, summed *float64) {
	jitter, delay := 1+m.dice.IntN(4), 50+m.dice.IntN(20)
	if m.Scenario == Jittery {
		jitter, delay = 35+m.dice.IntN(40), 160+m.dice.IntN(90)
	}
	s.in.jitter, s.out.jitter = float64(jitter), float64(3+m.dice.IntN(4))
	if m.Family == BufferDelay {
		const samples = 48_000
		*summed += float64(delay * samples)
		s.in.jitter, s.out.jitter = *summed, *summed
	}
}

// records returns the statistics of the seconds from..to, both directions each.
func (m *maker) records(from, to int) []map[string]any {
	records := make([]map[string]any, 0, 2*(to-from))
	for i := from; i < to; i++ {
		records = append(records,
			m.record("audio_input", i, m.seconds[i].in), m.record("audio_output", i, m.seconds[i].out))
	}
	return records
}

func (m *maker) record(streamType string, i int, d direction) map[string]any {
	record := map[string]any{
		"softphoneStreamType": streamType,
		"timestamp":           m.at(i),
		"packetsLost":         d.lost,
		"packetsCount":        d.packets,
		"audioLevel":          d.level,
		"jitterBufferMillis":  d.jitter,
		"roundTripTimeMillis": d.roundTrip,
	}
	if m.Family == InterarrivalPlus {
		record["jitterBufferDelayMilliseconds"] = 57
		record["concealmentEvents"] = d.lost
		record["echoReturnLoss"] = nil
		record["echoReturnLossEnhancement"] = nil
	}
	if m.Schema >= 2 {
		record["muted"] = false
		record["onHold"] = false
	}
	return record
}

// metrics returns the API metrics of the seconds from..to.
func (m *maker) metrics(from, to int) []map[string]any {
	list := []map[string]any{m.metric("getAgentSnapshot", from, 25_000+m.dice.IntN(5000))}
	if from == 0 {
		list = append(list, m.metric("acceptContact", 0, 120+m.dice.IntN(80)))
	}
	list = append(list, m.metric("sendSoftphoneCallMetrics", to-1, 80+m.dice.IntN(60)))
	if to == len(m.seconds) {
		list = append(list, m.metric("sendSoftphoneCallReport", to-1, 90+m.dice.IntN(60)))
	}
	return list
}

func (m *maker) metric(name string, second, millis int) map[string]any {
	return map[string]any{
		"name": name, "time": millis, "timestamp": m.at(second), "error": nil, "error5xx": 0, "fault": 0,
		"dimensions":         []any{map[string]any{"name": "Category", "value": "API"}},
		"optionalDimensions": []any{map[string]any{"name": "HttpStatusCode", "value": 200}},
	}
}
