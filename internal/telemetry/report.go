package telemetry

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// reportDoc is the doc of a call report.
type reportDoc struct {
	callDoc
	CPUs           *int64   `json:"numberofCpu,omitempty"`
	MemoryLimit    *float64 `json:"localDeviceMemoryLimit,omitempty"`
	BrowserName    string   `json:"agentBrowserName,omitempty"`
	BrowserVersion string   `json:"agentBrowserversion,omitempty"`
	CCPVersion     string   `json:"ccpVersion,omitempty"`
	TalkingSeconds *float64 `json:"talkingSeconds,omitempty"`
	Failed         bool     `json:"failed"`
	FailureStage   string   `json:"failureStage,omitempty"`
	Report         object   `json:"report"`
}

// readReport reads the one record of a call report. Several attempts of one contact are told apart by callStartTime.
func (d *decoder) readReport(members object, from sender) []Record {
	sent := members.take("report")
	report, isObject := readObject(sent)
	doc := reportDoc{
		callDoc:        from.call,
		CPUs:           count(members.take("numberofCpu")),
		MemoryLimit:    positive(members.take("localDeviceMemoryLimit")),
		BrowserName:    d.name(members, "agentBrowserName", maxNameBytes),
		BrowserVersion: d.name(members, "agentBrowserversion", maxNameBytes),
		CCPVersion:     d.name(members, "ccpVersion", maxNameBytes),
	}
	if kind := first(sent); kind == 0 || kind == 'n' {
		return d.readLateMarks(from)
	}
	if !isObject {
		d.reject(0, "report_missing")
		return nil
	}
	start, at, code := d.reportInstants(report)
	if code != "" {
		d.reject(0, code)
		return nil
	}
	doc.Timestamp = at
	doc.Report = d.cleanReport(report)
	doc.FailureStage = failureStage(doc.Report)
	doc.Failed = doc.FailureStage != ""
	if talking := positive(doc.Report["talkingTimeMillis"]); talking != nil {
		doc.TalkingSeconds = rounded(*talking / 1000)
	}
	id := d.unique(idPrefix(d.kind, from.instance, from.agent, from.contact) + start + base36(int64(at)))
	return []Record{{ID: id, At: at, Doc: encode(doc)}}
}

// readLateMarks reads a body without a report: what the agent said of the call after its report was sent.
func (d *decoder) readLateMarks(from sender) []Record {
	marks := from.call.MarkedBadAt
	if len(marks) == 0 || from.contact == "" {
		d.reject(0, "report_missing")
		return nil
	}
	doc := from.call
	doc.Timestamp = slices.Max(marks)
	id := idPrefix(d.kind, from.instance, from.agent, from.contact) + lateMark + base36(int64(doc.Timestamp))
	return []Record{{ID: id, At: doc.Timestamp, Doc: encode(doc)}}
}

// reportInstants returns the start as it stands in the id, and the instant of the report: its end, else its start.
func (d *decoder) reportInstants(report object) (start string, at Instant, code string) {
	start = "-"
	if began, code := readInstant(report["callStartTime"]); code == "" {
		start = base36(int64(began))
	}
	if at, code = acceptInstant(report["callEndTime"], d.arrival.ReceivedAt); code == "" || code == "timestamp_out_of_range" {
		return start, at, code
	}
	if at, startCode := acceptInstant(report["callStartTime"], d.arrival.ReceivedAt); startCode != "timestamp_missing" {
		return start, at, startCode
	}
	return start, 0, code
}

// cleanReport returns the members of a report that are kept.
func (d *decoder) cleanReport(report object) object {
	kept := d.pick(report, []Field{{"callStartTime", TypeDate}, {"callEndTime", TypeDate}})
	for name, raw := range d.pick(report, reportMembers) {
		kept[name] = raw
	}
	for _, name := range []string{"audioInputDevices", "audioOutputDevices"} {
		if labels := d.labels(report.take(name)); len(labels) > 0 {
			kept[name] = encode(labels)
		}
	}
	if totals := d.totals(report.take("softphoneStreamStatistics")); len(totals) > 0 {
		kept["softphoneStreamStatistics"] = encode(totals)
	}
	if seconds := d.series(report.take(perSecond)); len(seconds) > 0 {
		kept[perSecond] = encode(seconds)
	}
	if extra := d.extra(report); len(extra) > 0 {
		kept["extra"] = encode(extra)
	}
	return kept
}

// pick takes the named members of o as their types ask, and leaves out what cannot be read.
func (d *decoder) pick(o object, fields []Field) object {
	kept := object{}
	for _, field := range fields {
		raw := o.take(field.Path)
		if value := d.value(field, raw); value != nil {
			kept[field.Path] = encode(value)
		} else {
			d.drop(raw)
		}
	}
	return kept
}

// value returns a member as its type asks, or nil.
func (d *decoder) value(field Field, raw json.RawMessage) any {
	switch field.Type {
	case TypeBoolean:
		if set := flag(raw); set != nil {
			return *set
		}
	case TypeDate:
		if at, code := readInstant(raw); code == "" && storable(at) {
			return at
		}
	case TypeText:
		if text, isText := readText(raw); isText && text != "" && len(text) <= maxTextBytes && printable(text) {
			return text
		}
	case TypeLong, TypeFloat:
		return quantity(field.Path, raw)
	case TypeID, TypeDisabled, TypeFlat: // no member of a report has these
	}
	return nil
}

// quantity returns a number as it was sent, a packet count as an integer. Libraries differ in whether some members are
// flags or counts: a flag counts as one.
func quantity(name string, raw json.RawMessage) any {
	if strings.HasSuffix(name, "packetsLost") || strings.HasSuffix(name, "packetsCount") {
		if packets := count(raw); packets != nil {
			return *packets
		}
		return nil
	}
	if value := number(raw); value != nil {
		return *value
	}
	if set := flag(raw); set != nil {
		if *set {
			return 1
		}
		return 0
	}
	return nil
}

func (d *decoder) text(raw json.RawMessage) string {
	text, isText := d.value(Field{Type: TypeText}, raw).(string)
	if !isText {
		d.drop(raw)
	}
	return text
}

const maxListed = 20

// labels returns the names of devices. They may hold a person's name: only the full privacy setting keeps them.
func (d *decoder) labels(raw json.RawMessage) []string {
	if d.arrival.Privacy != tenant.IPFull {
		return nil
	}
	items, isArray := readArray(raw)
	if _, isText := readText(raw); isText {
		items, isArray = []json.RawMessage{raw}, true
	}
	if !isArray || len(items) > maxListed {
		d.drop(raw)
		return nil
	}
	labels := make([]string, 0, len(items))
	for _, item := range items {
		if device, isObject := readObject(item); isObject {
			item = device["label"]
		}
		if label := d.text(item); label != "" {
			labels = append(labels, label)
		}
	}
	return labels
}

// totals returns the totals of the call by direction.
func (d *decoder) totals(raw json.RawMessage) []object {
	items, isArray := readArray(raw)
	if !isArray || len(items) > maxListed {
		d.drop(raw)
		return nil
	}
	totals := make([]object, 0, len(items))
	for _, item := range items {
		total, isObject := readObject(item)
		if !isObject {
			d.drop(item)
			continue
		}
		totals = append(totals, d.pick(total, totalMembers))
		d.dropped += len(total)
	}
	return totals
}

var memberForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// isMember reports whether a name that nobody knows may be kept.
func isMember(name string) bool { return bounded(name, memberForm, maxMember) != "" }

// series returns the seconds of the call as they were sent, as far as they are lists of numbers.
func (d *decoder) series(raw json.RawMessage) series {
	streams, isObject := readObject(raw)
	if !isObject {
		d.drop(raw)
		return nil
	}
	kept := series{}
	for _, name := range []string{"AUDIO_INPUT", "AUDIO_OUTPUT"} {
		raw := streams.take(name)
		stream, isObject := readObject(raw)
		if !isObject {
			d.drop(raw)
			continue
		}
		kept[name] = map[string][]json.RawMessage{}
		for key, list := range stream {
			values, isArray := readArray(list)
			if !isArray || !isMember(key) {
				d.drop(list)
				continue
			}
			kept[name][key] = d.numbers(values)
		}
	}
	d.dropped += len(streams)
	return kept
}

// numbers makes null of every value that is no number, so that each stays in its second.
func (d *decoder) numbers(values []json.RawMessage) []json.RawMessage {
	for i, value := range values {
		if number(value) == nil {
			d.drop(value)
			values[i] = json.RawMessage("null")
		}
	}
	return values
}

const maxExtra = 100

// extra returns the numbers and booleans that nobody knows yet. An unknown text may be tomorrow's token.
func (d *decoder) extra(rest object) object {
	names := make([]string, 0, len(rest))
	for name := range rest {
		names = append(names, name)
	}
	slices.Sort(names)
	kept := object{}
	for _, name := range names {
		raw := rest[name]
		isText := first(raw) == '"'
		if isText || flag(raw) == nil || !isMember(name) || len(kept) >= maxExtra {
			d.drop(raw)
			continue
		}
		kept[name] = raw
	}
	return kept
}

// failureStage names the first stage that failed, in call order, or nothing.
func failureStage(report object) string {
	for _, name := range failureFlags {
		if string(report[name]) == "true" {
			return strings.TrimSuffix(name, "Failure")
		}
	}
	return ""
}
