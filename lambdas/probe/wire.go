package main

import (
	"github.com/earshot-hq/earshot/internal/records"
	"github.com/earshot-hq/earshot/internal/searchconn"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/slug"
)

// environment is what the tenant's stack sets.
type environment struct {
	Tenant string `env:"TENANT,required,notEmpty"`
	Search searchconn.Settings
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
	return &Handler{Tenant: tenant, Counter: records.New(search, tenant)}, nil
}
