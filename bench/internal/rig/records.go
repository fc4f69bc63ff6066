package rig

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// callTime is how long a call lasts: 8 batches of 60 records.
const (
	callTime       = 4 * time.Minute
	RecordsOfBatch = 60
	BatchesOfCall  = int(callTime / (30 * time.Second))
)

// Options of the nth call of a contact centre with forty agents and five queues, who use all three families of library and
// now and then have trouble.
func callOptions(n int, start time.Time) samplecall.Options {
	queues := []string{"Orders EMEA", "Returns", "Technical Support Level 1", "Billing", "VIP"}
	scenarios := []samplecall.Scenario{samplecall.Good, samplecall.Good, samplecall.Good, samplecall.LossyUplink, samplecall.Jittery}
	return samplecall.Options{
		Agent: fmt.Sprintf("agent.number.%02d", n%40), Queue: queues[n%len(queues)], RoutingProfile: "Retail Voice", Instance: "main",
		Start: start, Duration: callTime, Schema: 2, Family: samplecall.Family(1 + n%3), Scenario: scenarios[(n/3)%len(scenarios)],
		Seed: uint64(n), //nolint:gosec // never negative
	}
}

// A batch is one post of stream statistics.
type batch struct {
	body []byte
	at   time.Time // when a pusher receives it
}

// batches returns the posts of stream statistics of so many calls, from the nth on, in the order in which a contact centre sends
// them: what goes on at a time side by side.
func batches(from, calls int, start time.Time) ([]batch, error) {
	ofCall := make([][]batch, BatchesOfCall)
	for n := from; n < from+calls; n++ {
		// Calls begin one after the other, and each second counts from an instant of its own.
		began := start.Add(time.Duration(n)*97*time.Second/10 + time.Duration(n*37%1000)*time.Millisecond)
		dice := rand.New(rand.NewPCG(uint64(n), 0)) //nolint:gosec // must repeat, not be secret
		i := 0
		for _, post := range samplecall.New(callOptions(n, began)).Posts() {
			if post.Route != "softphonemetrics" {
				continue
			}
			body, err := drift(post.Body, dice)
			if err != nil {
				return nil, err
			}
			ofCall[i] = append(ofCall[i], batch{body, began.Add(time.Duration(i+1)*30*time.Second + 80*time.Millisecond)})
			i++
		}
	}
	return slices.Concat(ofCall...), nil
}

// Posts returns the bodies of the stream statistics of so many calls, in order.
func Posts(from, calls int, start time.Time) ([][]byte, error) {
	all, err := batches(from, calls, start)
	bodies := make([][]byte, len(all))
	for i, b := range all {
		bodies[i] = b.body
	}
	return bodies, err
}

// Envelopes returns what the pusher makes of the same posts of a tenant.
func Envelopes(s slug.Slug, from, calls int, start time.Time) ([]telemetry.Envelope, error) {
	all, err := batches(from, calls, start)
	if err != nil {
		return nil, err
	}
	envelopes := make([]telemetry.Envelope, 0, len(all))
	for _, b := range all {
		decoded, err := telemetry.Decode(telemetry.KindStreamStats, b.body, Arrival(s, b.at))
		if err != nil {
			return nil, fmt.Errorf("decode a batch: %w", err)
		}
		if len(decoded.Rejected) > 0 || len(decoded.Envelope.Records) != RecordsOfBatch {
			return nil, fmt.Errorf("a batch has %d records, %d rejected", len(decoded.Envelope.Records), len(decoded.Rejected))
		}
		envelopes = append(envelopes, decoded.Envelope)
	}
	return envelopes, nil
}

// drift moves the instants of a body by a few milliseconds, both directions of a second alike: a browser's timers are late,
// and instants that are exactly a second apart would compress better than those of any real call.
func drift(body []byte, dice *rand.Rand) ([]byte, error) {
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, err
	}
	records, _ := members["softphoneStreamStatistics"].([]any)
	late := map[string]string{}
	for _, r := range records {
		record, _ := r.(map[string]any)
		exact, _ := record["timestamp"].(string)
		if late[exact] == "" {
			const form, most = "2006-01-02T15:04:05.000Z", 8
			at, err := time.Parse(form, exact)
			if err != nil {
				return nil, err
			}
			late[exact] = at.Add(time.Duration(dice.IntN(most)) * time.Millisecond).Format(form)
		}
		record["timestamp"] = late[exact]
	}
	return json.Marshal(members)
}

// Arrival is what a pusher knows of a body.
func Arrival(s slug.Slug, at time.Time) telemetry.Arrival {
	return telemetry.Arrival{Tenant: s, Pusher: "streamstats-pusher", ReceivedAt: at, Privacy: tenant.IPFull, SourceIP: "203.0.113.77"}
}

// Documents returns what the indexer makes of envelopes.
func Documents(envelopes []telemetry.Envelope) ([]telemetry.Document, error) {
	var all []telemetry.Document
	for _, e := range envelopes {
		documents, refused := telemetry.Documents(e, nil)
		if len(refused) > 0 {
			return nil, fmt.Errorf("%d records become no document: %s", len(refused), refused[0].Detail)
		}
		all = append(all, documents...)
	}
	return all, nil
}

// Calls returns so many whole calls of a contact centre, as their browsers report them.
func Calls(calls int, start time.Time) []samplecall.Call {
	all := make([]samplecall.Call, 0, calls)
	for n := range calls {
		all = append(all, samplecall.New(callOptions(n, start.Add(time.Duration(n)*97*time.Second/10))))
	}
	return all
}
