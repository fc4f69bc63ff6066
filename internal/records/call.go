package records

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/verdict"
)

// The bounds of what is read of one call: a call of two hours has 14,400 seconds.
const (
	pageSize   = 5000
	maxSeconds = 60_000 // more than eight hours of both directions; what comes after, a summary does not see
	maxMetrics = 5000   // a page makes about two a minute
	maxMarks   = 20     // as many as one body may bring
)

// A Found is a call as search has it.
type Found struct {
	Call     verdict.Call
	Instance string // alias of the Connect instance

	FirstReceived telemetry.Instant // when the first of its seconds and reports came in; 0: there are none
}

// Call returns what search has of a call: its seconds in pages, its reports, and the API metrics of the agent around it. It is
// all of it, or there is an error; a call that search does not know has neither seconds nor reports.
func (r *Reader) Call(ctx context.Context, c settle.Call) (Found, error) {
	f := Found{Call: verdict.Call{About: verdict.About{Agent: c.Agent, ContactID: c.ContactID}}}
	if err := r.readSeconds(ctx, c, &f); err != nil {
		return Found{}, fmt.Errorf("read the seconds of a call: %w", err)
	}
	if err := r.readReports(ctx, c, &f); err != nil {
		return Found{}, fmt.Errorf("read the reports of a call: %w", err)
	}
	if err := r.readMetrics(ctx, c, &f); err != nil {
		return Found{}, fmt.Errorf("read the API metrics of a call: %w", err)
	}
	return f, nil
}

// document is a second, a report or an API metric as search has it.
type document struct {
	At       telemetry.Instant `json:"@timestamp"`
	Instance string            `json:"connectInstance"`
	Ingest   struct {
		ReceivedAt telemetry.Instant `json:"receivedAt"`
		PageID     string            `json:"pageId"`
		OpenPages  int64             `json:"openPages"`
		SkewMillis int64             `json:"skewMillis"`
	} `json:"ingest"`
	Doc struct {
		verdict.About
		PublicIP   string   `json:"agentPublicIp"`
		PrivateIP  string   `json:"agentPrivateIp"`
		StreamType string   `json:"softphoneStreamType"`
		Packets    *int64   `json:"packetsCount"`
		Lost       *int64   `json:"packetsLost"`
		Level      *int64   `json:"audioLevel"`
		JitterKind string   `json:"jitterKind"`
		Jitter     *float64 `json:"jitterMillis"`
		RoundTrip  *float64 `json:"roundTripTimeMillis"`
		MOS        *float64 `json:"mos"`
		Muted      *bool    `json:"muted"`
		OnHold     *bool    `json:"onHold"`
		Suspect    string   `json:"suspect"`

		MarkedBadAt []telemetry.Instant `json:"markedBadAt"`

		FailureStage   string  `json:"failureStage"`
		TalkingSeconds float64 `json:"talkingSeconds"`
		Report         report  `json:"report"`

		Name  string `json:"name"`
		Error bool   `json:"error"`
		Fault bool   `json:"fault"`
	} `json:"doc"`
}

// report is what a summary reads of a report.
type report struct {
	Started     telemetry.Instant `json:"callStartTime"`
	Ended       telemetry.Instant `json:"callEndTime"`
	ICE         float64           `json:"iceCollectionTimeMillis"`
	Signalling  float64           `json:"signallingConnectTimeMillis"`
	Handshaking float64           `json:"handshakingTimeMillis"`
	Lost        float64           `json:"iceConnectionsLost"`
	Failed      float64           `json:"iceConnectionsFailed"`
	GumOther    bool              `json:"gumOtherFailure"`
	GumTimeout  bool              `json:"gumTimeoutFailure"`
	Permission  string            `json:"microphonePermission"`
	MutedAtEnd  float64           `json:"consecutiveAudioOutputMuteDurationSeconds"`
	Totals      []total           `json:"softphoneStreamStatistics"`
}

// total is the packets of one direction, as newer and as older senders name them.
type total struct {
	Packets    int64 `json:"packetsCount"`
	OldPackets int64 `json:"_packetsCount"`
}

var secondFields = []string{
	"@timestamp", "connectInstance", "ingest.receivedAt", "ingest.pageId", "ingest.openPages", "ingest.skewMillis",
	"doc.agentPublicIp", "doc.agentPrivateIp", "doc.softphoneStreamType", "doc.packetsCount", "doc.packetsLost", "doc.audioLevel",
	"doc.jitterKind", "doc.jitterMillis", "doc.roundTripTimeMillis", "doc.mos", "doc.muted", "doc.onHold", "doc.suspect", "doc.markedBadAt",
}

var aboutFields = []string{
	"doc.agentArn", "doc.agentName", "doc.agentRoutingProfile", "doc.routingProfileArn", "doc.hierarchyL*", "doc.contactQueue", "doc.mediaRegion",
}

// readSeconds reads page after page. Records that are equal in instant and direction are of two pages of the same call: where
// one of them falls between two pages of ours, nothing is missing.
func (r *Reader) readSeconds(ctx context.Context, c settle.Call, f *Found) error {
	var after json.RawMessage
	for read := 0; read < maxSeconds; {
		fields := secondFields
		if after == nil {
			fields = slices.Concat(secondFields, aboutFields)
		}
		body := object{
			"query": ofCall(c), "size": min(pageSize, maxSeconds-read), "_source": fields,
			"sort": []object{{"@timestamp": "asc"}, {"doc.softphoneStreamType.keyword": "asc"}},
		}
		if after != nil {
			body["search_after"] = after
		}
		page, err := r.page(ctx, telemetry.KindStreamStats, body)
		if err != nil {
			return err
		}
		for _, h := range page {
			var d document
			if err := json.Unmarshal(h.Source, &d); err != nil {
				return fmt.Errorf("a document of another form: %w", err)
			}
			f.learn(d)
			f.addSecond(d)
			after = h.Sort
		}
		if read += len(page); len(page) < pageSize {
			return nil
		}
	}
	return nil
}

func (r *Reader) readReports(ctx context.Context, c settle.Call, f *Found) error {
	page, err := r.page(ctx, telemetry.KindCallReport, object{
		"query": ofCall(c), "size": maxReports, "sort": []object{{"@timestamp": "asc"}},
		"_source": object{"excludes": []string{"doc.report.softphoneStreamPerSecondStatistics"}},
	})
	if err != nil {
		return err
	}
	for _, h := range page {
		if !telemetry.IsReport(h.ID) && !telemetry.IsLateMark(h.ID) {
			continue
		}
		var d document
		if err := json.Unmarshal(h.Source, &d); err != nil {
			return fmt.Errorf("a document of another form: %w", err)
		}
		f.learn(d)
		if telemetry.IsReport(h.ID) {
			f.addReport(d)
		}
	}
	return nil
}

// readMetrics reads those of the agent from a minute before the call to two after it.
func (r *Reader) readMetrics(ctx context.Context, c settle.Call, f *Found) error {
	from, to := f.span()
	if to == 0 {
		return nil
	}
	page, err := r.page(ctx, telemetry.KindAPIMetric, object{
		"query": object{"bool": object{"filter": []object{
			{"term": object{"doc.agent.keyword": c.Agent}},
			{"range": object{"@timestamp": object{"gte": (from - 60_000).String(), "lte": (to + 120_000).String()}}},
		}}},
		"size": maxMetrics, "sort": []object{{"@timestamp": "asc"}},
		"_source": []string{"@timestamp", "doc.name", "doc.error", "doc.fault"},
	})
	if err != nil {
		return err
	}
	for _, h := range page {
		var d document
		if err := json.Unmarshal(h.Source, &d); err != nil {
			return fmt.Errorf("a document of another form: %w", err)
		}
		f.Call.Metrics = append(f.Call.Metrics, verdict.Metric{
			At: d.At, IsSnapshot: d.Doc.Name == telemetry.MethodSnapshot, IsMethod: telemetry.IsClientMethod(d.Doc.Name),
			Failed: d.Doc.Error || d.Doc.Fault,
		})
	}
	return nil
}

func (r *Reader) page(ctx context.Context, kind string, body object) ([]hit, error) {
	answers, err := r.searches(ctx, []search{{kind, body}})
	if err != nil {
		return nil, err
	}
	return answers[0].Hits.Hits, nil
}

// learn takes over whose call it is from the first document that says so, and when it came in, and what the agent said of it.
func (f *Found) learn(d document) {
	f.addMarks(d.Doc.MarkedBadAt)
	f.FirstReceived = earlier(f.FirstReceived, d.Ingest.ReceivedAt)
	about, from := &f.Call.About, d.Doc.About
	for _, member := range []struct{ to, from *string }{
		{&f.Instance, &d.Instance},
		{&about.AgentARN, &from.AgentARN}, {&about.AgentName, &from.AgentName},
		{&about.RoutingProfile, &from.RoutingProfile}, {&about.RoutingProfileARN, &from.RoutingProfileARN},
		{&about.HierarchyL1, &from.HierarchyL1}, {&about.HierarchyL2, &from.HierarchyL2}, {&about.HierarchyL3, &from.HierarchyL3},
		{&about.HierarchyL4, &from.HierarchyL4}, {&about.HierarchyL5, &from.HierarchyL5},
		{&about.ContactQueue, &from.ContactQueue}, {&about.MediaRegion, &from.MediaRegion},
	} {
		if *member.to == "" {
			*member.to = *member.from
		}
	}
}

// addMarks adds those that are new: every record of a contact repeats the marks before it. Of more than a summary holds, which
// no softphone makes, the first stay.
func (f *Found) addMarks(marks []telemetry.Instant) {
	known := f.Call.MarkedBadAt
	for _, at := range marks {
		if i, isKnown := slices.BinarySearch(known, at); !isKnown && i < maxMarks {
			known = slices.Insert(known[:min(len(known), maxMarks-1)], i, at)
		}
	}
	f.Call.MarkedBadAt = known
}

func (f *Found) addSecond(d document) {
	s := verdict.Second{
		At: d.At, Packets: d.Doc.Packets, Lost: d.Doc.Lost, Level: d.Doc.Level, IsBuffered: d.Doc.JitterKind == telemetry.JitterBufferDelay,
		Jitter: d.Doc.Jitter, RoundTrip: d.Doc.RoundTrip, MOS: d.Doc.MOS, Muted: d.Doc.Muted, OnHold: d.Doc.OnHold,
		IsSuspect: d.Doc.Suspect != "", Page: d.Ingest.PageID, OpenPages: d.Ingest.OpenPages, SkewMillis: d.Ingest.SkewMillis,
	}
	if d.Doc.PublicIP+d.Doc.PrivateIP != "" {
		s.Address = d.Doc.PublicIP + " " + d.Doc.PrivateIP
	}
	if d.Doc.StreamType == "audio_input" {
		f.Call.Heard = append(f.Call.Heard, s)
	} else {
		f.Call.Spoken = append(f.Call.Spoken, s)
	}
}

func (f *Found) addReport(d document) {
	of := d.Doc.Report
	r := verdict.Report{
		Started: of.Started, Ended: of.Ended, FailureStage: d.Doc.FailureStage, TalkingSeconds: d.Doc.TalkingSeconds,
		MicrophoneDenied: of.GumOther || of.GumTimeout || of.Permission == "denied",
		ConnectMillis:    of.ICE + of.Signalling + of.Handshaking, ConnectionsLost: int64(of.Lost + of.Failed),
		MutedAtEnd: of.MutedAtEnd, OpenPages: d.Ingest.OpenPages,
	}
	for _, t := range of.Totals {
		r.Packets += t.Packets + t.OldPackets
	}
	f.Call.Reports = append(f.Call.Reports, r)
}

// span is when the call was, as far as is known; zeros when nothing is.
func (f *Found) span() (from, to telemetry.Instant) {
	for _, seconds := range [][]verdict.Second{f.Call.Heard, f.Call.Spoken} {
		if len(seconds) > 0 {
			from, to = earlier(from, seconds[0].At), max(to, seconds[len(seconds)-1].At)
		}
	}
	for _, r := range f.Call.Reports {
		from, to = earlier(from, r.Started), max(to, r.Ended, r.Started)
	}
	return from, to
}

// earlier is the smaller of two instants, of which 0 is unknown.
func earlier(a, b telemetry.Instant) telemetry.Instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
