package telemetry

import (
	"encoding/json"
	"slices"
)

// streamDoc is the doc of one second of one direction. The published solution's names mislead: audio_input is what the
// browser receives and the agent hears, audio_output what the customer hears.
type streamDoc struct {
	callDoc
	StreamType                string   `json:"softphoneStreamType"`
	PacketsLost               *int64   `json:"packetsLost,omitempty"`
	PacketsCount              *int64   `json:"packetsCount,omitempty"`
	AudioLevel                *int64   `json:"audioLevel"` // null: unknown, which is not silence
	JitterBufferMillis        *float64 `json:"jitterBufferMillis,omitempty"`
	RoundTripTimeMillis       *float64 `json:"roundTripTimeMillis,omitempty"`
	JitterBufferDelay         *float64 `json:"jitterBufferDelayMilliseconds,omitempty"` // a mean of the whole call: not rated
	ConcealmentEvents         *int64   `json:"concealmentEvents,omitempty"`
	EchoReturnLoss            *float64 `json:"echoReturnLoss,omitempty"`
	EchoReturnLossEnhancement *float64 `json:"echoReturnLossEnhancement,omitempty"`
	Muted                     *bool    `json:"muted,omitempty"`
	OnHold                    *bool    `json:"onHold,omitempty"`
	HeardBy                   string   `json:"heardBy"`
	JitterKind                string   `json:"jitterKind"`
	JitterMillis              *float64 `json:"jitterMillis,omitempty"`
	LossPercent               *float64 `json:"lossPercent,omitempty"`
	RFactor                   *float64 `json:"rFactor,omitempty"`
	MOS                       *float64 `json:"mos,omitempty"`
	Quality                   string   `json:"quality,omitempty"`
	Suspect                   string   `json:"suspect,omitempty"`
}

// sample is a stream record while it is judged.
type sample struct {
	at           Instant
	input        bool
	counted      bool // its counts are known and not suspect
	packets      int64
	lost         int64
	jitter       *float64 // as sent
	roundTrip    *float64
	bufferMillis *float64 // what its jitter adds to the delay
	loss         *float64
	doc          streamDoc
}

func (s *sample) hasPackets() bool { return s.doc.PacketsCount != nil && *s.doc.PacketsCount > 0 }

// maxPackets is how many packets one second can have. The first sample of a connection holds all before it.
const maxPackets = 150

func (d *decoder) readStreams(items []json.RawMessage, from sender) []Record {
	samples := make([]*sample, 0, len(items))
	for i, item := range items {
		if s := d.readSample(i, item, from); s != nil {
			samples = append(samples, s)
		}
	}
	judge(samples)
	prefix := idPrefix(d.kind, from.instance, from.agent, from.contact)
	records := make([]Record, 0, len(samples))
	for _, s := range samples {
		direction := "o"
		if s.input {
			direction = "i"
		}
		id := d.unique(prefix + direction + base36(int64(s.at)))
		records = append(records, Record{ID: id, At: s.at, Doc: encode(s.doc)})
	}
	return records
}

func (d *decoder) readSample(index int, item json.RawMessage, from sender) *sample {
	members, isObject := readObject(item)
	if !isObject {
		d.reject(index, "record_invalid")
		return nil
	}
	streamType, _ := readText(members.take("softphoneStreamType"))
	if streamType != "audio_input" && streamType != "audio_output" {
		d.reject(index, "stream_type_invalid")
		return nil
	}
	at, code := acceptInstant(members.take("timestamp"), d.arrival.ReceivedAt)
	if code != "" {
		d.reject(index, code)
		return nil
	}
	s := &sample{at: at, input: streamType == "audio_input", doc: streamDoc{
		callDoc:                   from.call,
		StreamType:                streamType,
		PacketsLost:               count(members.take("packetsLost")),
		PacketsCount:              count(members.take("packetsCount")),
		AudioLevel:                level(members.take("audioLevel")),
		JitterBufferMillis:        number(members.take("jitterBufferMillis")),
		RoundTripTimeMillis:       positive(members.take("roundTripTimeMillis")),
		JitterBufferDelay:         number(members.take("jitterBufferDelayMilliseconds")),
		ConcealmentEvents:         count(members.take("concealmentEvents")),
		EchoReturnLoss:            number(members.take("echoReturnLoss")),
		EchoReturnLossEnhancement: number(members.take("echoReturnLossEnhancement")),
		Muted:                     flag(members.take("muted")),
		OnHold:                    flag(members.take("onHold")),
		HeardBy:                   "customer",
	}}
	s.doc.Timestamp = at
	s.jitter, s.roundTrip = s.doc.JitterBufferMillis, s.doc.RoundTripTimeMillis
	if s.input {
		s.doc.HeardBy = "agent"
	}
	if s.doc.PacketsCount != nil && *s.doc.PacketsCount > maxPackets {
		s.doc.Suspect = "cumulative_first_sample"
		d.suspect++
	} else if s.doc.PacketsCount != nil && s.doc.PacketsLost != nil {
		s.counted, s.packets, s.lost = true, *s.doc.PacketsCount, *s.doc.PacketsLost
	}
	d.dropped += len(members)
	return s
}

// level returns an audio level, or nil when it is unknown: always on Firefox.
func level(raw json.RawMessage) *int64 {
	if value := positive(raw); value != nil {
		whole := int64(*value)
		return &whole
	}
	return nil
}

// judge sets the derived members. All samples are of one contact.
func judge(samples []*sample) {
	var inputs, outputs []*sample
	for _, s := range samples {
		if s.input {
			inputs = append(inputs, s)
		} else {
			outputs = append(outputs, s)
		}
	}
	for _, group := range [][]*sample{inputs, outputs} {
		slices.SortStableFunc(group, func(a, b *sample) int { return int(a.at - b.at) })
		tellJitter(group)
		tellLoss(group)
	}
	rateAll(inputs, outputs)
	rateAll(outputs, inputs)
}

// rateAll rates what can be: no known loss, jitter or round trip, no score.
func rateAll(group, others []*sample) {
	for _, s := range group {
		trip := roundTripOf(s, others)
		if s.loss == nil || s.bufferMillis == nil || trip == nil {
			continue
		}
		r := rate(oneWay(*trip, *s.bufferMillis), *s.loss)
		s.doc.RFactor, s.doc.MOS = rounded(r), rounded(mosOf(r))
		s.doc.Quality = qualityOf(*s.doc.MOS)
	}
}

// maxBorrow is how far away in time a round trip may be borrowed. Older libraries know it of one direction only.
const maxBorrow Instant = 2000

// roundTripOf returns a sample's own round trip, else that of the other direction nearest in time.
func roundTripOf(s *sample, others []*sample) *float64 {
	if s.roundTrip != nil {
		return s.roundTrip
	}
	var nearest *float64
	distance := maxBorrow + 1
	for _, other := range others {
		if apart := max(s.at-other.at, other.at-s.at); other.roundTrip != nil && apart < distance {
			nearest, distance = other.roundTrip, apart
		}
	}
	return nearest
}
