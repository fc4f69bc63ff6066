package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/pusher"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// packer does what a queue costs a pusher's processor, and sends nothing.
type packer struct{ bytes int }

func (p *packer) Send(_ context.Context, e telemetry.Envelope) error {
	body, err := queue.Encode(e)
	p.bytes = len(body)
	return err
}

// nobody is a tenant without an agent directory.
type nobody struct{}

func (nobody) Book(context.Context) agents.Book { return nil }

// pusherCPU measures the handler in this process: the emulator's own work for a call would bury it.
func pusherCPU(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs, rounds = 5, 400
	const origin = "https://softphone.acme.example"
	packed := &packer{}
	handler, err := pusher.New(telemetry.KindStreamStats, "streamstats-pusher", pusher.Settings{
		Tenant: demo.String(), Origins: []string{origin}, QueueURL: "http://queue", IPPrivacy: tenant.IPFull,
	}, packed, nobody{}, slog.New(slog.NewJSONHandler(io.Discard, nil)))
	if err != nil {
		return nil, err
	}
	request, err := oneBatch(origin)
	if err != nil {
		return nil, err
	}
	var cpu, allocations, allocated []float64
	for range b.repeat("pusher", runs) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		since := rig.Self()
		for range rounds {
			answer, err := handler.Handle(ctx, request)
			if err != nil {
				return nil, err
			}
			if answer.StatusCode != http.StatusAccepted {
				return nil, errors.New("the handler refused the batch: " + answer.Body)
			}
		}
		used := rig.Self() - since
		runtime.ReadMemStats(&after)
		cpu = append(cpu, float64(used.Microseconds())/rounds)
		allocations = append(allocations, float64(after.Mallocs-before.Mallocs)/rounds)
		allocated = append(allocated, float64(after.TotalAlloc-before.TotalAlloc)/rounds/1024)
	}
	return []sheet.Figure{
		{ID: "pusher_cpu_per_batch", Value: sheet.Median(cpu), Unit: "us", Runs: len(cpu), Spread: sheet.Range(cpu), What: "processor time of a pusher for a batch of 60 records, packing for the queue included"},
		{ID: "pusher_allocations_per_batch", Value: sheet.Median(allocations), Unit: "", Runs: len(cpu), Spread: sheet.Range(allocations), What: "objects that it allocates for that"},
		{ID: "pusher_memory_per_batch", Value: sheet.Median(allocated), Unit: "KiB", Runs: len(cpu), Spread: sheet.Range(allocated), What: "and their size"},
	}, nil
}

// oneBatch is half a minute of a call as API Gateway hands it over.
func oneBatch(origin string) (events.APIGatewayProxyRequest, error) {
	call := samplecall.New(samplecall.Options{
		Agent: "mira.holm", Queue: "Orders EMEA", RoutingProfile: "Retail Voice", Instance: "main", Schema: 2,
		Start: time.Now().Add(-time.Minute), Duration: 30 * time.Second,
	})
	for _, post := range call.Posts() {
		if post.Route == "softphonemetrics" {
			return request(origin, post.Body), nil
		}
	}
	return events.APIGatewayProxyRequest{}, errors.New("the call has no statistics")
}
