package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/internal/customresource"
	"github.com/earshot-hq/earshot/internal/s3conn"
	"github.com/earshot-hq/earshot/internal/searchconn"
	"github.com/earshot-hq/earshot/internal/settings"
)

// environment is what the cell's stack sets.
type environment struct {
	Replicas   int           `env:"REPLICAS,required"`
	Actions    []string      `env:"ACTIONS"`                      // empty: all
	EraseChunk time.Duration `env:"ERASE_CHUNK" envDefault:"10s"` // of one call; the worker waits for it within a step
	Search     searchconn.Settings
	// The dedicated tenants' search, where their stacks make no domain of their own: on one machine.
	DedicatedEndpoint  string `env:"DEDICATED_SEARCH_ENDPOINT"`
	DedicatedSecretARN string `env:"DEDICATED_SEARCH_SECRET_ARN"`
}

// hideTime is how long a dead letter that an erasure has looked at is hidden. A queue of more letters than are looked at in that
// time is looked at again from its beginning.
const hideTime = 10 * time.Minute

// wire builds the handler from the environment.
func wire() (*Handler, error) {
	env, err := settings.Load[environment]()
	if err != nil {
		return nil, err
	}
	account, err := settings.FunctionAWS()
	if err != nil {
		return nil, err
	}
	secrets := secretsmanager.NewFromConfig(account)
	searches := searchesOf(env, account)
	named, err := searches.Named()
	if err != nil {
		return nil, err
	}
	access := &Access{
		Admin: searches.At,
		Secret: func(ctx context.Context, arn string) (searchconn.Credentials, error) {
			return searchconn.ReadCredentials(ctx, secrets, arn)
		},
	}
	stacks, objects := cloudformation.NewFromConfig(account), s3conn.Open(account)
	return &Handler{
		Actions: env.Actions,
		Eraser: &Eraser{
			Account: account,
			Stacks:  stacks, Buckets: objects, Queues: sqs.NewFromConfig(account), Holding: searches.Holding, ChunkTime: env.EraseChunk,
			HideTime: hideTime,
		},
		Provider: customresource.Provider{Suffix: "search", Apply: access.Apply},
		Holding:  searches.Holding,
		Leftovers: &Leftovers{
			Searches: named,
			Domains:  searches.domains,
			Stacks:   stacks,
			Buckets:  objects,
			Logs:     cloudwatchlogs.NewFromConfig(account),
			Secrets:  secrets,
		},
	}, nil
}

func searchesOf(env environment, account aws.Config) *Searches {
	s := &Searches{
		account: account, replicas: env.Replicas, shared: env.Search,
		domains: Domains{Client: opensearch.NewFromConfig(account)},
	}
	if env.DedicatedEndpoint != "" {
		s.dedicated = env.Search.At(env.DedicatedEndpoint)
		s.dedicated.SecretARN = env.DedicatedSecretARN
	}
	return s
}
