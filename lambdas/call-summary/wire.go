package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/records"
	"github.com/earshot-hq/earshot/internal/searchconn"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// environment is what the tenant's stack sets.
type environment struct {
	Tenant      string        `env:"TENANT,required,notEmpty"`
	Thresholds  thresholds    `env:"THRESHOLDS,required,notEmpty"`
	QueueURL    string        `env:"QUEUE_URL,required,notEmpty"`
	RequestURL  string        `env:"SUMMARY_QUEUE_URL,required,notEmpty"`
	SettleQuick time.Duration `env:"SETTLE_QUICK" envDefault:"60s"`
	SettleSlow  time.Duration `env:"SETTLE_SLOW" envDefault:"900s"`
	RetryFirst  time.Duration `env:"RETRY_FIRST" envDefault:"5s"`
	RetryMost   time.Duration `env:"RETRY_MOST" envDefault:"20m"`
	Search      searchconn.Settings
}

// thresholds are the tenant's, as JSON: those that are left out have their defaults.
type thresholds tenant.Thresholds

// UnmarshalText reads the variable.
func (t *thresholds) UnmarshalText(text []byte) error {
	*t = thresholds(tenant.DefaultThresholds())
	if err := json.Unmarshal(text, (*tenant.Thresholds)(t)); err != nil {
		return fmt.Errorf("thresholds are a JSON object: %w", err)
	}
	return nil
}

// wire builds the handler from the environment.
func wire() (*Handler, error) {
	env, err := settings.Load[environment]()
	if err != nil {
		return nil, err
	}
	of, err := slug.Parse(env.Tenant)
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
	queues := sqs.NewFromConfig(account)
	return &Handler{
		Tenant:     of,
		Thresholds: tenant.Thresholds(env.Thresholds),
		Delays:     settle.Delays{Quick: env.SettleQuick, Slow: env.SettleSlow},
		Records:    records.New(search, of),
		Queue:      queue.New(queues, env.QueueURL),
		Requests:   queue.New(queues, env.RequestURL),
		BackOff:    queue.BackOff{First: env.RetryFirst, Most: env.RetryMost},
		Now:        time.Now,
	}, nil
}
