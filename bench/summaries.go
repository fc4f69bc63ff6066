package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// A summarizer is a tenant's call-summary, and the queue that it puts summaries into.
type summarizer struct {
	function *rig.Function
	queue    *sqs.Client
	queueURL string
}

// launchSummarizer starts a tenant's call-summary as its reader.
func (b *bench) launchSummarizer(ctx context.Context, t searchTenant) (summarizer, error) {
	secret, err := json.Marshal(map[string]string{"username": t.reader.Username, "password": t.reader.Password})
	if err != nil {
		return summarizer{}, err
	}
	kept, err := secretsmanager.NewFromConfig(b.stack.AWS()).CreateSecret(ctx, &secretsmanager.CreateSecretInput{
		Name: aws.String("bench/" + t.slug.String() + "/reader"), SecretString: aws.String(string(secret)),
	})
	if err != nil {
		return summarizer{}, err
	}
	queueURL, err := b.newQueue(ctx, t.slug+"summaries")
	if err != nil {
		return summarizer{}, err
	}
	f, err := b.launch(ctx, "call-summary", map[string]string{
		"EARSHOT_TENANT": t.slug.String(), "EARSHOT_QUEUE_URL": queueURL, "EARSHOT_SEARCH_SECRET_ARN": aws.ToString(kept.ARN),
	})
	return summarizer{f, sqs.NewFromConfig(b.stack.AWS()), queueURL}, err
}

// requestsOf are the messages that ask for summaries of envelopes' calls: those that come when a report does, and the others.
func requestsOf(envelopes []telemetry.Envelope) (atReports, others []events.SQSMessage, err error) {
	for i, e := range envelopes {
		request, isOne := settle.RequestOf(e, settle.Delays{})
		if !isOne {
			continue
		}
		body, err := request.Marshal()
		if err != nil {
			return nil, nil, err
		}
		message := events.SQSMessage{
			MessageId: strconv.Itoa(i), ReceiptHandle: strconv.Itoa(i), Body: string(body), EventSource: "aws:sqs",
			Attributes: map[string]string{"ApproximateReceiveCount": "1"},
		}
		if e.Kind == telemetry.KindCallReport {
			atReports = append(atReports, message)
		} else {
			others = append(others, message)
		}
	}
	return atReports, others, nil
}

// summariesOf has the summaries of all calls computed, whose documents are in search, and answers the requests that find it done. It
// returns how much processor time that took call-summary.
func (b *bench) summariesOf(ctx context.Context, s summarizer, w functionWork, t searchTenant, indexer *rig.Function) (time.Duration, error) {
	refresh := func() error {
		return b.search.Must(ctx, http.MethodPost, "/"+t.slug.IndexPattern()+"/_refresh", "", nil)
	}
	if err := refresh(); err != nil {
		return 0, err
	}
	before, err := s.function.CPU()
	if err != nil {
		return 0, err
	}
	if err := w.ask(ctx, s.function, w.atReports); err != nil {
		return 0, err
	}
	written := &path{queue: s.queue, queueURL: s.queueURL}
	for taken := 0; taken < len(w.atReports); {
		batch, err := written.gather(ctx, queueBatch)
		if err != nil {
			return 0, err
		}
		if err := index(ctx, indexer, batch); err != nil {
			return 0, err
		}
		for _, m := range batch {
			if _, err := s.queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &s.queueURL, ReceiptHandle: aws.String(m.ReceiptHandle)}); err != nil {
				return 0, err
			}
		}
		taken += len(batch)
	}
	if err := refresh(); err != nil {
		return 0, err
	}
	if err := w.ask(ctx, s.function, w.others); err != nil {
		return 0, err
	}
	after, err := s.function.CPU()
	return after - before, err
}

// ask gives call-summary requests, in batches. It must answer every one.
func (w functionWork) ask(ctx context.Context, f *rig.Function, requests []events.SQSMessage) error {
	for batch := range slices.Chunk(requests, queueBatch) {
		if err := index(ctx, f, batch); err != nil {
			return fmt.Errorf("ask for summaries: %w", err)
		}
	}
	return nil
}
