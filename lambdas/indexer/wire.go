package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/internal/archive"
	"github.com/earshot-hq/earshot/internal/erasures"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/s3conn"
	"github.com/earshot-hq/earshot/internal/searchconn"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/sink"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// environment is what the tenant's stack sets.
type environment struct {
	Tenant        string        `env:"TENANT,required,notEmpty"`
	IndexPeriods  periods       `env:"INDEX_PERIODS,required,notEmpty"`
	DataBucket    string        `env:"DATA_BUCKET,required,notEmpty"`
	QueueURL      string        `env:"QUEUE_URL,required,notEmpty"`
	DeadLetterURL string        `env:"DEAD_LETTER_URL,required,notEmpty"`
	ErasureKey    string        `env:"ERASURE_KEY,required,notEmpty"`
	ErasureFresh  time.Duration `env:"ERASURE_FRESH" envDefault:"30s"`
	RequestURL    string        `env:"SUMMARY_QUEUE_URL,required,notEmpty"`
	SettleQuick   time.Duration `env:"SETTLE_QUICK" envDefault:"60s"`
	SettleSlow    time.Duration `env:"SETTLE_SLOW" envDefault:"900s"`
	RetryFirst    time.Duration `env:"RETRY_FIRST" envDefault:"5s"`
	RetryMost     time.Duration `env:"RETRY_MOST" envDefault:"20m"`
	Search        searchconn.Settings
}

// periods is the JSON form of telemetry.Periods.
type periods telemetry.Periods

// UnmarshalText reads the variable.
func (p *periods) UnmarshalText(text []byte) error {
	if err := json.Unmarshal(text, (*telemetry.Periods)(p)); err != nil {
		return fmt.Errorf("index periods are JSON of kind to a list: %w", err)
	}
	return nil
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
	search, err := searchconn.Open(env.Search, account)
	if err != nil {
		return nil, err
	}
	queues, objects := sqs.NewFromConfig(account), s3conn.Open(account)
	return &Handler{
		Tenant:      tenant,
		Periods:     telemetry.Periods(env.IndexPeriods),
		Writer:      sink.New(search),
		Archive:     archive.New(objects, env.DataBucket),
		Erasures:    erasures.New(objects, env.DataBucket, env.ErasureKey, env.ErasureFresh),
		DeadLetters: queue.NewDeadLetters(queues, env.DeadLetterURL),
		Queue:       queue.New(queues, env.QueueURL),
		Summaries:   queue.NewRequests(queues, env.RequestURL),
		Delays:      settle.Delays{Quick: env.SettleQuick, Slow: env.SettleSlow},
		BackOff:     queue.BackOff{First: env.RetryFirst, Most: env.RetryMost},
	}, nil
}
