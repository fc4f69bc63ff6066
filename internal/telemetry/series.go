package telemetry

import (
	"encoding/json"
	"strconv"
	"strings"
)

const perSecond = "softphoneStreamPerSecondStatistics"

// A series holds values of a report's seconds by stream (AUDIO_INPUT, AUDIO_OUTPUT) and by name.
type series map[string]map[string][]json.RawMessage

func (s series) seconds() int {
	longest := 0
	for _, stream := range s {
		for _, values := range stream {
			longest = max(longest, len(values))
		}
	}
	return longest
}

// between returns the seconds from..to of s.
func (s series) between(from, to int) series {
	cut := series{}
	for name, stream := range s {
		cut[name] = map[string][]json.RawMessage{}
		for key, values := range stream {
			cut[name][key] = values[min(from, len(values)):min(to, len(values))]
		}
	}
	return cut
}

// splitSeries returns a call report as at most n records of about as many seconds each. The first keeps the id and all
// but the later seconds. The later ones have ids of their own, and no callEndTime: panels that count reports by it count
// one. All say at which second they begin.
func splitSeries(record Record, n int) []Record {
	doc, isDoc := readObject(record.Doc)
	report, isReport := readObject(doc["report"])
	var seconds series
	if !isDoc || !isReport || json.Unmarshal(report[perSecond], &seconds) != nil {
		return []Record{record}
	}
	length := seconds.seconds()
	n = min(n, length)
	if n < 2 {
		return []Record{record}
	}
	begin := 0
	if from, known := doc["seriesFromSecond"]; known && json.Unmarshal(from, &begin) != nil {
		return []Record{record}
	}
	baseID, _, _ := strings.Cut(record.ID, besides)
	parts := make([]Record, 0, n)
	for i := range n {
		from, to := i*length/n, (i+1)*length/n
		part := Record{ID: record.ID, At: record.At}
		partDoc, partReport := doc, report
		if i > 0 {
			part.ID = baseID + besides + strconv.FormatInt(int64(begin+from), 36)
			partDoc = doc.only("agent", "contactId", "contactQueue", "timestamp")
			partReport = report.only("callStartTime")
		}
		partReport[perSecond] = encode(seconds.between(from, to))
		partDoc["report"] = encode(partReport)
		partDoc["seriesFromSecond"] = encode(begin + from)
		part.Doc = encode(partDoc)
		parts = append(parts, part)
	}
	return parts
}

// encode returns a value of our own making as JSON; there is none that JSON cannot hold.
func encode(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic("telemetry: " + err.Error())
	}
	return text
}
