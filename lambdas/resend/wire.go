package main

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/internal/archive"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/s3conn"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/slug"
)

// environment is what the tenant's stack sets.
type environment struct {
	Tenant        string        `env:"TENANT,required,notEmpty"`
	DataBucket    string        `env:"DATA_BUCKET,required,notEmpty"`
	QueueURL      string        `env:"QUEUE_URL,required,notEmpty"`
	DeadLetterURL string        `env:"DEAD_LETTER_URL,required,notEmpty"`
	MaxWaiting    int           `env:"MAX_WAITING" envDefault:"200"`
	ChunkTime     time.Duration `env:"CHUNK_TIME" envDefault:"10s"`
}

// wire builds the handler from the environment.
func wire() (*Handler, error) {
	env, err := settings.Load[environment]()
	if err != nil {
		return nil, err
	}
	tenant, err := slug.Parse(env.Tenant)
	if err != nil {
		return nil, err
	}
	account, err := settings.FunctionAWS()
	if err != nil {
		return nil, err
	}
	queues := sqs.NewFromConfig(account)
	return &Handler{
		Tenant: tenant, Archive: archive.New(s3conn.Open(account), env.DataBucket),
		Queue: queue.New(queues, env.QueueURL), DeadLetters: queue.NewDeadLetters(queues, env.DeadLetterURL),
		MaxWaiting: env.MaxWaiting, ChunkTime: env.ChunkTime,
	}, nil
}
