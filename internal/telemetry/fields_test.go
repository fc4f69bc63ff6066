package telemetry

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
)

var allKinds = append(slices.Clone(Measured), KindCallSummary)

// unlisted returns what the documents of a batch hold that the strict index templates would refuse.
func unlisted(tb testing.TB, batch Batch) []string {
	tb.Helper()
	listed := map[string]Type{}
	for _, field := range Fields(batch.Envelope.Kind) {
		listed[field.Path] = field.Type
	}
	documents, refused := Documents(batch.Envelope, nil)
	if len(refused) > 0 {
		tb.Errorf("refused %+v", refused)
	}
	var wrong []string
	for _, document := range documents {
		var members map[string]any
		if err := json.Unmarshal(document.Source, &members); err != nil {
			tb.Fatal(err)
		}
		wrong = append(wrong, misfits("", members, listed)...)
	}
	return wrong
}

func misfits(path string, value any, listed map[string]Type) []string {
	kind, known := listed[path]
	switch value := value.(type) {
	case map[string]any:
		if kind == TypeDisabled || kind == TypeFlat {
			return nil
		}
		var wrong []string
		for name, member := range value {
			wrong = append(wrong, misfits(strings.TrimPrefix(path+"."+name, "."), member, listed)...)
		}
		return wrong
	case []any:
		var wrong []string
		for _, item := range value {
			wrong = append(wrong, misfits(path, item, listed)...)
		}
		return wrong
	}
	if !known || !fits(kind, value) {
		return []string{path}
	}
	return nil
}

func fits(kind Type, value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case bool:
		return kind == TypeBoolean
	case float64:
		return (kind == TypeLong || kind == TypeFloat) && math.Abs(value) <= maxExact
	case string:
		if kind == TypeDate {
			_, err := time.Parse(instantForm, value)
			return err == nil
		}
		return kind == TypeText || kind == TypeID
	}
	return false
}

func testFiles(tb testing.TB) map[string][]byte {
	tb.Helper()
	entries, err := os.ReadDir("testdata")
	if err != nil {
		tb.Fatal(err)
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		if !entry.IsDir() {
			files[entry.Name()] = readFile(tb, entry.Name())
		}
	}
	return files
}

func TestEveryFieldIsListed(t *testing.T) {
	t.Parallel()
	for name, body := range testFiles(t) {
		if strings.HasPrefix(name, "jitter") {
			continue // holds several bodies, all alike
		}
		batch := mustDecode(t, kindOf(name), body, arrival())
		batch.Envelope.Probe = true
		for _, path := range unlisted(t, batch) {
			t.Errorf("%s: %s is not listed, or has another type", name, path)
		}
	}
}

// The types that documents are written from have no member beyond the list either.
func TestEveryMemberIsListed(t *testing.T) {
	t.Parallel()
	for kind, doc := range map[string]any{KindStreamStats: streamDoc{}, KindCallReport: reportDoc{}, KindAPIMetric: apiMetricDoc{}} {
		for _, name := range append(memberNames(reflect.TypeOf(doc), "doc."), memberNames(reflect.TypeOf(Ingest{}), "ingest.")...) {
			if name != "doc.report" && !slices.ContainsFunc(Fields(kind), func(f Field) bool { return f.Path == name }) {
				t.Errorf("%s: %s", kind, name)
			}
		}
	}
}

func memberNames(of reflect.Type, prefix string) []string {
	var names []string
	for field := range of.Fields() {
		if field.Anonymous {
			names = append(names, memberNames(field.Type, prefix)...)
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, prefix+name)
	}
	return names
}

// What the published dashboards query keeps its name and type.
func TestPublishedNamesStay(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]map[string]Type{
		KindStreamStats: {
			"doc.agent": TypeText, "doc.agentPrivateIp": TypeText, "doc.agentPublicIp": TypeText, "doc.agentRoutingProfile": TypeText,
			"doc.audioLevel": TypeLong, "doc.contactId": TypeText, "doc.contactQueue": TypeText, "doc.hierarchyL1": TypeText,
			"doc.iceServers": TypeText, "doc.jitterBufferMillis": TypeLong, "doc.packetsCount": TypeLong, "doc.packetsLost": TypeLong,
			"doc.roundTripTimeMillis": TypeLong, "doc.signalingEndpoint": TypeText, "doc.softphoneStreamType": TypeText,
			"doc.timestamp": TypeDate,
		},
		KindCallReport: {
			"doc.report.callEndTime": TypeDate, "doc.report.talkingTimeMillis": TypeLong, "doc.report.gumTimeoutFailure": TypeBoolean,
			"doc.report.softphoneStreamStatistics._packetsLost": TypeLong, "doc.numberofCpu": TypeLong,
			"doc.agentBrowserversion": TypeText, "doc.timestamp": TypeDate,
		},
		KindAPIMetric: {"doc.getAgentSnapshot": TypeLong, "doc.getEndpoints": TypeLong, "doc.timestamp": TypeDate},
	} {
		for path, kindOfField := range want {
			if !slices.Contains(Fields(kind), Field{path, kindOfField}) {
				t.Errorf("%s lacks %s %s", kind, path, kindOfField)
			}
		}
	}
}

func TestFieldsAreListedOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds {
		seen := map[string]bool{}
		for _, field := range Fields(kind) {
			if seen[field.Path] {
				t.Errorf("%s lists %s twice", kind, field.Path)
			}
			seen[field.Path] = true
		}
	}
	if !slices.Equal(allKinds, tenant.Kinds) {
		t.Error("the kinds of this package and of tenant differ")
	}
}
