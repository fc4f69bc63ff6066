package telemetry

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// The decoder takes every member that the softphone may send: it drops none and refuses none.
func TestEveryMemberOfTheWireIsTaken(t *testing.T) {
	t.Parallel()
	for kind, of := range map[string]reflect.Type{
		KindStreamStats: reflect.TypeFor[WireStreamBody](),
		KindAPIMetric:   reflect.TypeFor[WireAPIBody](),
		KindCallReport:  reflect.TypeFor[WireReportBody](),
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			body := sampleOf(of, "")
			text, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			batch := mustDecode(t, kind, text, arrival())
			if batch.DroppedMembers > 0 || len(batch.Rejected) > 0 || len(unlisted(t, batch)) > 0 {
				t.Errorf("of %s: dropped %d members, refused %v, unlisted %v", text, batch.DroppedMembers, batch.Rejected, unlisted(t, batch))
			}
			in := batch.Envelope.Ingest
			if in.SchemaVersion != 1 || in.PageID == "" || in.BatchID == "" || in.OpenPages == nil || in.SkewMillis == nil || in.DroppedRecords == nil {
				t.Errorf("ingest %+v", in)
			}
		})
	}
}

// What a second of a direction says is in its document, name for name.
func TestEveryMemberOfASecondIsKept(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(sampleOf(reflect.TypeFor[WireStreamBody](), ""))
	if err != nil {
		t.Fatal(err)
	}
	doc := docs(t, mustDecode(t, KindStreamStats, text, arrival()))[0]
	for _, of := range []reflect.Type{reflect.TypeFor[WireStreamRecord](), reflect.TypeFor[WireCall]()} {
		for field := range of.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch name {
			case "signalingHost":
				name = "signalingEndpoint"
			case "iceHosts":
				name = "iceServerUrls"
			}
			if doc[name] == nil {
				t.Errorf("%s is not in the document", name)
			}
		}
	}
}

// sampleOf returns a value of a type, with every member.
func sampleOf(of reflect.Type, tag reflect.StructTag) any {
	switch of.Kind() {
	case reflect.String:
		if words := tag.Get("enum"); words != "" {
			first, _, _ := strings.Cut(words, ",")
			return first
		}
		if tag.Get("format") != "" {
			return "2026-11-24T08:59:00.000Z"
		}
		return "x"
	case reflect.Bool:
		return true
	case reflect.Pointer:
		return sampleOf(of.Elem(), tag)
	case reflect.Slice:
		return []any{sampleOf(of.Elem(), tag)}
	case reflect.Map:
		return map[string]any{"callStartTime": "2026-11-24T08:58:00Z", "callEndTime": "2026-11-24T08:59:00Z"}
	case reflect.Struct:
		members := map[string]any{}
		for _, field := range reflect.VisibleFields(of) {
			if field.Anonymous {
				continue
			}
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			members[name] = sampleOf(field.Type, field.Tag)
		}
		return members
	default:
		return 1
	}
}

func TestMarksOfAnAgent(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		sent string
		want string
	}{
		"two":             {`["2026-11-24T08:58:40Z","2026-11-24T08:59:00.500Z"]`, `["2026-11-24T08:58:40.000Z","2026-11-24T08:59:00.500Z"]`},
		"none":            {`[]`, `null`},
		"nothing":         {`null`, `null`},
		"no list":         {`"2026-11-24T08:58:40Z"`, `null`},
		"of another year": {`["1970-01-01T00:00:00Z",1795510720000,"x"]`, `["2026-11-24T08:58:40.000Z"]`},
		"too many":        {"[" + strings.TrimSuffix(strings.Repeat("1795510720000,", 21), ",") + "]", "[" + strings.TrimSuffix(strings.Repeat(`"2026-11-24T08:58:40.000Z",`, 20), ",") + "]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.Replace(string(streams(second)), `{"agent"`, `{"markedBadAt":`+row.sent+`,"agent"`, 1)
			got, err := json.Marshal(docs(t, mustDecode(t, KindStreamStats, []byte(body), arrival()))[0]["markedBadAt"])
			if err != nil || string(got) != row.want {
				t.Errorf("kept %s, %v", got, err)
			}
		})
	}
}
