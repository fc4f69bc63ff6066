package samplecall_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

var kinds = map[string]string{
	"softphonemetrics": telemetry.KindStreamStats,
	"apimetrics":       telemetry.KindAPIMetric,
	"callreport":       telemetry.KindCallReport,
}

func options(schema int, family samplecall.Family, scenario samplecall.Scenario) samplecall.Options {
	return samplecall.Options{
		Agent: "mira.holm", ContactID: "0f7a4a52-9a3e-4c1d-8d0e-7b6c5d4e3f21", Queue: "Orders EMEA", RoutingProfile: "Retail Voice",
		Instance: "northwind", Start: now.Add(-4 * time.Minute), Duration: 95 * time.Second,
		Schema: schema, Family: family, Scenario: scenario,
	}
}

func decode(t *testing.T, post samplecall.Post) telemetry.Batch {
	t.Helper()
	batch, err := telemetry.Decode(kinds[post.Route], post.Body, telemetry.Arrival{
		Tenant: "acme", ReceivedAt: now, SourceIP: "203.0.113.7", Privacy: tenant.IPFull,
	})
	if err != nil || len(batch.Rejected) > 0 || batch.DroppedMembers > 0 {
		t.Fatalf("%s: %v, rejected %+v, %d members dropped", post.Route, err, batch.Rejected, batch.DroppedMembers)
	}
	return batch
}

// Every call is taken whole, becomes as many documents as it says, and is heard as its scenario wants.
func TestCallsBecomeTheirDocuments(t *testing.T) {
	t.Parallel()
	for schema := 1; schema <= 2; schema++ {
		for family := samplecall.Interarrival; family <= samplecall.InterarrivalPlus; family++ {
			for _, scenario := range []samplecall.Scenario{samplecall.Good, samplecall.LossyUplink, samplecall.Jittery} {
				t.Run(fmt.Sprint(schema, family, scenario), func(t *testing.T) {
					t.Parallel()
					// The buffer-delay family copies the delay of what the agent hears to both directions.
					both := scenario == samplecall.Jittery && family == samplecall.BufferDelay
					check(t, samplecall.New(options(schema, family, scenario)), map[string]bool{
						"agent": scenario == samplecall.Jittery, "customer": scenario == samplecall.LossyUplink || both,
					})
				})
			}
		}
	}
}

func check(t *testing.T, call samplecall.Call, heardBadly map[string]bool) {
	t.Helper()
	ids := map[string]map[string]bool{}
	worst := map[string]float64{"agent": 5, "customer": 5}
	for _, post := range call.Posts() {
		batch := decode(t, post)
		kind := batch.Envelope.Kind
		if ids[kind] == nil {
			ids[kind] = map[string]bool{}
		}
		for _, record := range batch.Envelope.Records {
			ids[kind][record.ID] = true
			var doc struct {
				HeardBy string   `json:"heardBy"`
				MOS     *float64 `json:"mos"`
			}
			if err := json.Unmarshal(record.Doc, &doc); err != nil {
				t.Fatal(err)
			}
			if doc.MOS != nil {
				worst[doc.HeardBy] = min(worst[doc.HeardBy], *doc.MOS)
			}
		}
	}
	for kind, n := range call.Documents() {
		if len(ids[kind]) != n {
			t.Errorf("%s: %d documents, want %d", kind, len(ids[kind]), n)
		}
	}
	for who, badly := range heardBadly {
		if (worst[who] < 4.2) != badly {
			t.Errorf("the worst score of the %s is %.4f", who, worst[who])
		}
	}
}

func TestSameOptionsMakeTheSameBytes(t *testing.T) {
	t.Parallel()
	o := options(2, samplecall.BufferDelay, samplecall.Good)
	o.ContactID = ""
	one, two := samplecall.New(o), samplecall.New(o)
	for i, post := range one.Posts() {
		if !bytes.Equal(post.Body, two.Posts()[i].Body) {
			t.Errorf("post %d differs", i)
		}
	}
	o.Seed = 7
	if other := samplecall.New(o); bytes.Equal(other.Posts()[0].Body, one.Posts()[0].Body) {
		t.Error("another seed makes the same call")
	}
}

func TestProbeCallIsKnownAsOne(t *testing.T) {
	t.Parallel()
	id := "11111111-2222-4333-8444-555555555501"
	call := samplecall.New(samplecall.Options{
		Agent: telemetry.ProbeAgent, ContactID: id, BatchID: id, Instance: "northwind", Schema: 2,
		Start: now.Add(-10 * time.Second), Duration: 10 * time.Second,
	})
	for _, post := range call.Posts() {
		if e := decode(t, post).Envelope; !e.Probe || e.Ingest.BatchID != id || e.ConnectInstance != "northwind" {
			t.Errorf("%s: envelope %+v", post.Route, e.Ingest)
		}
	}
	if got := call.Documents(); got[telemetry.KindStreamStats] != 20 || got[telemetry.KindCallReport] != 1 {
		t.Errorf("documents %v", got)
	}
}

// A page of schema 1 sends secrets; a call of two hours passes; neither shows in an envelope.
func TestLongCallWithSecrets(t *testing.T) {
	t.Parallel()
	o := options(1, samplecall.BufferDelay, samplecall.Good)
	o.Start, o.Duration = now.Add(-3*time.Hour), 2*time.Hour
	for _, post := range samplecall.New(o).Posts() {
		if post.Route != "apimetrics" && !strings.Contains(string(post.Body), samplecall.Mark) {
			t.Fatalf("%s holds no secret to lose", post.Route)
		}
		text, err := decode(t, post).Envelope.Marshal()
		if err != nil || bytes.Contains(text, []byte(samplecall.Mark)) {
			t.Fatalf("%s: %v, or a secret in the envelope", post.Route, err)
		}
		if post.Route == "callreport" {
			t.Logf("report of two hours: %d bytes, envelope %d bytes", len(post.Body), len(text))
		}
	}
}
