package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/agentstore"
	"github.com/earshot-hq/earshot/internal/connectapi"
	"github.com/earshot-hq/earshot/internal/panel"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/slug"
)

// environment is what the tenant's stack sets. Periods have defaults; tests have them shorter.
type environment struct {
	Tenant        string        `env:"TENANT,required,notEmpty"`
	ExternalID    string        `env:"EXTERNAL_ID,required,notEmpty"`
	Directories   string        `env:"DIRECTORIES,required,notEmpty"` // a JSON list of Instance
	DataBucket    string        `env:"DATA_BUCKET,required,notEmpty"`
	RequestPeriod time.Duration `env:"CONNECT_REQUEST_PERIOD" envDefault:"1s"`
	MaxBackoff    time.Duration `env:"CONNECT_MAX_BACKOFF" envDefault:"20s"`
	MaxAttempts   int           `env:"CONNECT_MAX_ATTEMPTS" envDefault:"8"`
}

// wire builds the handler from the environment.
func wire(log *slog.Logger) (*Handler, error) {
	env, err := settings.Load[environment]()
	if err != nil {
		return nil, err
	}
	account, err := settings.FunctionAWS()
	if err != nil {
		return nil, err
	}
	endpoint, err := settings.ConnectEndpoint()
	if err != nil {
		return nil, err
	}
	panels, err := panel.New(endpoint)
	if err != nil {
		return nil, err
	}
	tenant, err := slug.Parse(env.Tenant)
	if err != nil {
		return nil, err
	}
	h := &Handler{
		Tenant: tenant, ExternalID: env.ExternalID, Log: log, Now: time.Now,
		Reader: connectapi.New(account, connectapi.Settings{
			Endpoint: endpoint, RequestPeriod: env.RequestPeriod, MaxBackoff: env.MaxBackoff, MaxAttempts: env.MaxAttempts,
		}),
		Panels:  panels,
		Store:   agentstore.NewWriter(account, env.DataBucket),
		Shuffle: rand.Shuffle,
	}
	if err := json.Unmarshal([]byte(env.Directories), &h.Instances); err != nil {
		return nil, fmt.Errorf("EARSHOT_DIRECTORIES: %w", err)
	}
	for i, instance := range h.Instances {
		parts := strings.Split(instance.ARN, ":") // arn:<partition>:connect:<region>:<account>:instance/<id>
		if len(parts) != 6 || instance.Alias == "" || instance.RoleARN == "" {
			return nil, fmt.Errorf("EARSHOT_DIRECTORIES: entry %d lacks alias, arn or roleArn", i)
		}
		h.Instances[i].region = parts[3]
	}
	return h, nil
}
