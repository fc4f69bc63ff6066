package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/s3conn"
	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// A searchTenant is a tenant as far as search knows it, and what its indexer is started with.
type searchTenant struct {
	slug        slug.Slug
	writer      *rig.Search
	reader      searchtenant.Identity
	environment map[string]string
}

// newSearchTenant gives a tenant its place in search, as the provider of a cell does.
func (b *bench) newSearchTenant(ctx context.Context, s slug.Slug) (searchTenant, error) {
	client, err := b.search.Client()
	if err != nil {
		return searchTenant{}, err
	}
	options := searchtenant.DefaultOptions()
	options.HasUsers, options.Pause = true, 20*time.Millisecond
	writer := searchtenant.Identity{Username: s.WriterRole(), Password: rand.Text()}
	reader := searchtenant.Identity{Username: s.ReaderRole(), Password: rand.Text()}
	if err := searchtenant.New(client, options).Apply(ctx, searchtenant.Grant{Slug: s, StackID: "bench", Writer: writer, Reader: reader}); err != nil {
		return searchTenant{}, err
	}
	secret, err := json.Marshal(map[string]string{"username": writer.Username, "password": writer.Password})
	if err != nil {
		return searchTenant{}, err
	}
	kept, err := secretsmanager.NewFromConfig(b.stack.AWS()).CreateSecret(ctx, &secretsmanager.CreateSecretInput{
		Name: aws.String("bench/" + s.String()), SecretString: aws.String(string(secret)),
	})
	if err != nil {
		return searchTenant{}, err
	}
	environment, err := b.stack.Environment(ctx, demo.FunctionName("indexer"))
	if err != nil {
		return searchTenant{}, err
	}
	environment = maps.Clone(environment)
	environment["EARSHOT_TENANT"], environment["EARSHOT_SEARCH_SECRET_ARN"] = s.String(), aws.ToString(kept.ARN)
	if environment["EARSHOT_DATA_BUCKET"], err = b.newBucket(ctx, s); err != nil {
		return searchTenant{}, err
	}
	return searchTenant{s, b.search.As(writer.Username, writer.Password), reader, environment}, nil
}

// newBucket makes the bucket for a tenant's archive.
func (b *bench) newBucket(ctx context.Context, s slug.Slug) (string, error) {
	account := b.stack.AWS()
	client := s3conn.Open(account)
	name := "bench-" + s.String()
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(account.Region)},
	})
	return name, err
}

// newQueue makes a queue for a tenant's envelopes.
func (b *bench) newQueue(ctx context.Context, s slug.Slug) (string, error) {
	made, err := sqs.NewFromConfig(b.stack.AWS()).CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String("bench-" + s.String()), Attributes: map[string]string{"MaximumMessageSize": "1048576", "VisibilityTimeout": "365"},
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(made.QueueUrl), nil
}

// launchPusher starts one of a tenant's pushers, which takes posts of benchOrigin.
func (b *bench) launchPusher(ctx context.Context, name string, t searchTenant, queueURL string) (*rig.Function, error) {
	return b.launch(ctx, name, map[string]string{
		"EARSHOT_TENANT": t.slug.String(), "EARSHOT_QUEUE_URL": queueURL, "EARSHOT_ORIGINS": benchOrigin,
	})
}

// launch starts one of a tenant's functions with the demonstration tenant's environment, but for what is different.
func (b *bench) launch(ctx context.Context, name string, different map[string]string) (*rig.Function, error) {
	artifacts, err := b.artifacts(ctx)
	if err != nil {
		return nil, err
	}
	binary, err := rig.Unpack(filepath.Join(artifacts, "lambdas", name+".zip"), b.dir)
	if err != nil {
		return nil, err
	}
	environment, err := b.stack.Environment(ctx, demo.FunctionName(name))
	if err != nil {
		return nil, err
	}
	environment = maps.Clone(environment)
	maps.Copy(environment, different)
	return b.stack.Launch(ctx, binary, environment)
}

// indexerBinary returns the built indexer.
func (b *bench) indexerBinary(ctx context.Context) (string, error) {
	artifacts, err := b.artifacts(ctx)
	if err != nil {
		return "", err
	}
	return rig.Unpack(filepath.Join(artifacts, "lambdas", "indexer.zip"), b.dir)
}

// messages packs envelopes as a pusher does.
func messages(envelopes []telemetry.Envelope, owner slug.Slug) ([]events.SQSMessage, error) {
	packed := make([]events.SQSMessage, 0, len(envelopes))
	for i, e := range envelopes {
		e.Tenant = owner
		body, err := queue.Encode(e)
		if err != nil {
			return nil, err
		}
		packed = append(packed, events.SQSMessage{
			MessageId: strconv.Itoa(i), ReceiptHandle: strconv.Itoa(i), Body: body, EventSource: "aws:sqs",
			Attributes: map[string]string{"ApproximateReceiveCount": "1"},
		})
	}
	return packed, nil
}

// index gives an indexer a batch. It must take every message.
func index(ctx context.Context, f *rig.Function, batch []events.SQSMessage) error {
	payload, err := json.Marshal(events.SQSEvent{Records: batch})
	if err != nil {
		return err
	}
	text, err := f.Invoke(ctx, payload)
	if err != nil {
		return err
	}
	var answer events.SQSEventResponse
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	if n := len(answer.BatchItemFailures); n > 0 {
		return fmt.Errorf("the indexer sent %d of %d messages back", n, len(batch))
	}
	return nil
}
