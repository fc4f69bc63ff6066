package telemetry

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/earshot-hq/earshot/internal/agents"
)

// apiMetricDoc is the doc of one call of Connect's API. A long getAgentSnapshot is no fault: it is a long poll of 25–30 s.
type apiMetricDoc struct {
	Agent      string   `json:"agent"`
	Timestamp  Instant  `json:"timestamp"`
	Name       string   `json:"name"`
	Time       *float64 `json:"time,omitempty"`
	Error      bool     `json:"error"`
	Fault      bool     `json:"fault"`
	StatusCode *int64   `json:"statusCode,omitempty"`
	agents.Finding
}

func (d *decoder) readAPIMetrics(items []json.RawMessage, from sender) []Record {
	prefix := idPrefix(d.kind, from.instance, from.agent, "")
	records := make([]Record, 0, len(items))
	for i, item := range items {
		doc, code := d.readAPIMetric(item, from)
		if code != "" {
			d.reject(i, code)
			continue
		}
		id := d.unique(prefix + hash(3, doc.Name, decimal(doc.Time), whole(doc.StatusCode)) + base36(int64(doc.Timestamp)))
		records = append(records, Record{ID: id, At: doc.Timestamp, Doc: withMethod(doc)})
	}
	return records
}

func (d *decoder) readAPIMetric(item json.RawMessage, from sender) (apiMetricDoc, string) {
	members, isObject := readObject(item)
	if !isObject {
		return apiMetricDoc{}, "record_invalid"
	}
	name, _ := readText(members.take("name"))
	switch {
	case name == "":
		return apiMetricDoc{}, "name_missing"
	case len(name) > maxNameBytes || !printable(name):
		return apiMetricDoc{}, "name_invalid"
	}
	at, code := acceptInstant(members.take("timestamp"), d.arrival.ReceivedAt)
	if code != "" {
		return apiMetricDoc{}, code
	}
	failure := members.take("error")
	doc := apiMetricDoc{
		Agent: from.agent, Timestamp: at, Name: name,
		Time:       positive(members.take("time")),
		Error:      holds(failure) || holds(members.take("error5xx")),
		Fault:      holds(members.take("fault")),
		StatusCode: statusCode(failure, members.take("optionalDimensions"), members.take("dimensions")),
		Finding:    from.place,
	}
	d.dropped += len(members)
	return doc, ""
}

// holds reports whether a failure member says that there was one: true, a number but 0, or a description of it.
func holds(raw json.RawMessage) bool {
	if set := flag(raw); set != nil {
		return *set
	}
	text, isText := readText(raw)
	return isText && text != "" || isObject(raw)
}

// statusCode returns the HTTP status of an answer: that of its error, else that of its dimensions.
func statusCode(failure json.RawMessage, dimensions ...json.RawMessage) *int64 {
	if described, isObject := readObject(failure); isObject {
		if code := count(described["statusCode"]); code != nil {
			return code
		}
	}
	for _, raw := range dimensions {
		items, _ := readArray(raw)
		for _, item := range items {
			dimension, _ := readObject(item)
			if name, _ := readText(dimension["name"]); name == "HttpStatusCode" {
				return count(dimension["value"])
			}
		}
	}
	return nil
}

// withMethod adds the field that the published solution's panels query: the time, by the name of a known method.
func withMethod(doc apiMetricDoc) json.RawMessage {
	text := encode(doc)
	if doc.Time == nil || !slices.Contains(clientMethods, doc.Name) {
		return text
	}
	members, _ := readObject(text)
	members[doc.Name] = members["time"]
	return encode(members)
}

func decimal(value *float64) string {
	if value == nil {
		return ""
	}
	return strconv.FormatFloat(*value, 'f', -1, 64)
}

func whole(value *int64) string {
	if value == nil {
		return ""
	}
	return strconv.FormatInt(*value, 10)
}
