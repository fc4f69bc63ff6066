package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
)

const (
	loudSenders  = 16
	loudCalls    = 48  // of one run: 23,040 records
	loudBatch    = 100 // messages of a batch, as a stack has it that expects traffic
	benchOrigin  = "https://softphone.bench.example"
	receiveAtOne = 10 // messages, which is what the queue gives out at most
)

// wholePath compares what the search node's processor does for a document that sixteen senders post at once through the real
// pushers, queue and indexer with what it does for the same documents in bare bulks. Gateway and event source are stood in
// for: a sender calls its pusher, and a loop gathers messages for batchWindow as Lambda's poller does.
func wholePath(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs = 5
	t, err := b.newSearchTenant(ctx, "benchwhole")
	if err != nil {
		return nil, err
	}
	path, err := b.newPath(ctx, t)
	if err != nil {
		return nil, err
	}
	defer path.stop()
	meter, err := b.pinned(ctx)
	if err != nil {
		return nil, err
	}
	defer meter.release()
	var ours, raw, sizes []float64
	for run := range b.repeat("whole", runs+1) { // the first warms the node up
		for _, way := range []struct {
			send func(context.Context) error
			into *[]float64
		}{{path.send, &ours}, {func(ctx context.Context) error { return t.writer.Send(ctx, path.raw, "") }, &raw}} {
			if err := b.search.Drop(ctx, t.slug.IndexPattern()); err != nil {
				return nil, err
			}
			cpu, err := meter.of(ctx, way.send)
			if err != nil {
				return nil, err
			}
			if run > 0 {
				*way.into = append(*way.into, float64(cpu.Nanoseconds())/1000/float64(path.documents))
			}
		}
		sizes = append(sizes, float64(path.documents)/float64(path.batches))
	}
	ratio, spread := sheet.Ratio(ours, raw)
	return []sheet.Figure{{
		ID: "whole_path_search_cpu_over_raw_bulk", Value: ratio, Unit: "x", Direction: sheet.AtMost, Aim: 1.2, Runs: len(ours), Spread: spread,
		What: fmt.Sprintf("search node's processor time a document, %d senders through pushers, queue and indexer (%.0f us, %.0f documents at once), over bare bulks of %d (%.0f us)",
			loudSenders, sheet.Median(ours), sheet.Median(sizes), rawBulk, sheet.Median(raw)),
	}}, nil
}

// A path is a tenant's way from a post to search.
type path struct {
	queue     *sqs.Client
	queueURL  string
	pushers   []*rig.Function // one for each sender
	indexer   *rig.Function
	posts     [][]byte
	raw       []rig.Bulk
	documents int
	batches   int // that the indexer got in the last run
}

func (b *bench) newPath(ctx context.Context, t searchTenant) (p *path, err error) {
	p = &path{queue: sqs.NewFromConfig(b.stack.AWS())}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	if p.queueURL, err = b.newQueue(ctx, t.slug); err != nil {
		return nil, err
	}
	envelopes, err := rig.Envelopes(t.slug, 0, loudCalls, time.Now().Add(-2*time.Hour))
	if err != nil {
		return nil, err
	}
	documents, err := rig.Documents(envelopes)
	if err != nil {
		return nil, err
	}
	p.documents = len(documents)
	if p.raw, err = rig.Pack(documents, rawBulk, "create", true); err != nil {
		return nil, err
	}
	if p.posts, err = rig.Posts(0, loudCalls, time.Now().Add(-2*time.Hour)); err != nil {
		return nil, err
	}
	indexer, err := b.indexerBinary(ctx)
	if err != nil {
		return nil, err
	}
	if p.indexer, err = b.stack.Launch(ctx, indexer, t.environment); err != nil {
		return nil, err
	}
	for range loudSenders {
		f, err := b.launchPusher(ctx, "streamstats-pusher", t, p.queueURL)
		if err != nil {
			return nil, err
		}
		p.pushers = append(p.pushers, f)
	}
	return p, nil
}

func (p *path) stop() {
	for _, f := range p.pushers {
		f.Stop()
	}
	if p.indexer != nil {
		p.indexer.Stop()
	}
}

// send posts all, as fast as the senders can, and returns when the indexer has taken all.
func (p *path) send(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for sender, f := range p.pushers {
		group.Go(func() error {
			for i := sender; i < len(p.posts); i += len(p.pushers) {
				if err := push(ctx, f, p.posts[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error { return p.drain(ctx) })
	return group.Wait()
}

// push hands a body to a pusher as API Gateway does.
func push(ctx context.Context, f *rig.Function, body []byte) error {
	payload, err := json.Marshal(request(benchOrigin, body))
	if err != nil {
		return err
	}
	said, err := f.Invoke(ctx, payload)
	if err != nil {
		return err
	}
	var answer events.APIGatewayProxyResponse
	if err := json.Unmarshal(said, &answer); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the pusher answered %d: %.300s", answer.StatusCode, answer.Body)
	}
	return nil
}

// request is a body as API Gateway hands it over.
func request(origin string, body []byte) events.APIGatewayProxyRequest {
	return events.APIGatewayProxyRequest{
		HTTPMethod: http.MethodPost, Headers: map[string]string{"Origin": origin, "Content-Type": "application/json"},
		Body: base64.StdEncoding.EncodeToString(body), IsBase64Encoded: true,
		RequestContext: events.APIGatewayProxyRequestContext{Identity: events.APIGatewayRequestIdentity{SourceIP: "203.0.113.77"}},
	}
}

// drain gives the indexer what the queue has, in batches, until it has had the messages of all posts.
func (p *path) drain(ctx context.Context) error {
	p.batches = 0
	for taken := 0; taken < len(p.posts); p.batches++ {
		batch, err := p.gather(ctx, min(loudBatch, len(p.posts)-taken))
		if err != nil {
			return err
		}
		if err := index(ctx, p.indexer, batch); err != nil {
			return err
		}
		for _, m := range batch {
			if _, err := p.queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &p.queueURL, ReceiptHandle: aws.String(m.ReceiptHandle)}); err != nil {
				return err
			}
		}
		taken += len(batch)
	}
	return nil
}

// gather takes messages for batchWindow from the first on, or until there are most.
func (p *path) gather(ctx context.Context, most int) (batch []events.SQSMessage, err error) {
	var until time.Time
	for len(batch) < most && (until.IsZero() || time.Now().Before(until)) {
		got, err := p.queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &p.queueURL, MaxNumberOfMessages: int32(min(receiveAtOne, most-len(batch))), WaitTimeSeconds: 1, //nolint:gosec // at most ten
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			return nil, err
		}
		for _, m := range got.Messages {
			batch = append(batch, events.SQSMessage{
				MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
				Attributes: m.Attributes, EventSource: "aws:sqs",
			})
		}
		if until.IsZero() && len(batch) > 0 {
			until = time.Now().Add(batchWindow)
		}
	}
	return batch, nil
}
