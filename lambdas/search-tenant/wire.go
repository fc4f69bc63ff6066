package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/earshot-hq/earshot/internal/customresource"
	"github.com/earshot-hq/earshot/internal/searchconn"
	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/settings"
)

// environment is what the cell's stack sets.
type environment struct {
	Replicas int `env:"REPLICAS,required"`
	Search   searchconn.Settings
}

// errForeignEndpoint keeps the administrator's password where it belongs; a signature is of no use elsewhere.
var errForeignEndpoint = errors.New("another endpoint needs auth sigv4: the cell's password is for the cell's search")

// wire builds the handler from the environment.
func wire(ctx context.Context) (*Handler, error) {
	env, err := settings.Load[environment]()
	if err != nil {
		return nil, err
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	secrets := secretsmanager.NewFromConfig(account)
	access := &Access{
		Admin: func(endpoint string) (*searchtenant.Admin, error) { return adminOf(env, account, endpoint) },
		Secret: func(ctx context.Context, arn string) (searchconn.Credentials, error) {
			return searchconn.ReadCredentials(ctx, secrets, arn)
		},
	}
	cellAdmin, err := access.Admin("")
	if err != nil {
		return nil, err
	}
	return &Handler{
		Provider: customresource.Provider{Suffix: "search", Apply: access.Apply},
		Leftovers: &Leftovers{
			Search:  cellAdmin,
			Stacks:  cloudformation.NewFromConfig(account),
			Buckets: s3.NewFromConfig(account, pathStyle),
			Logs:    cloudwatchlogs.NewFromConfig(account),
			Secrets: secrets,
		},
	}, nil
}

// pathStyle is for endpoints that know no bucket names as hosts: those that are given, which is the case only off AWS.
func pathStyle(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil }

// adminOf returns the administrator of the search at an endpoint. A domain of the tenant's own signs in as the cell's does.
func adminOf(env environment, account aws.Config, endpoint string) (*searchtenant.Admin, error) {
	at := env.Search
	if endpoint != "" && endpoint != at.Endpoint {
		if at.Auth == searchconn.Basic {
			return nil, errForeignEndpoint
		}
		at = at.At(endpoint)
	}
	search, err := searchconn.Open(at, account)
	if err != nil {
		return nil, err
	}
	options := searchtenant.DefaultOptions()
	options.Replicas = env.Replicas
	options.HasUsers = at.Auth == searchconn.Basic
	return searchtenant.New(search, options), nil
}
