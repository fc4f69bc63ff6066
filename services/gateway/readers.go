package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/records"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/searchconn"
)

// readers are tenants' readers, each with the rights of its tenant's reader role and no more: what one of them may not see, search
// keeps from it, whatever the gateway is made to ask.
type readers struct {
	identity aws.Config
	roles    *roles
	auth     searchconn.Auth
	caPem    string

	mu    sync.Mutex
	known map[roster.Tenant]insights.Reader // guarded by mu; by all of a tenant, so that a change makes a new one
}

// most bounds what is kept: tenants of a cell, and those that they were before they changed.
const most = 2000

// of returns the tenant's. Nothing is called yet: a role that cannot be entered shows with the first question.
func (r *readers) of(_ context.Context, t roster.Tenant) (insights.Reader, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, isKnown := r.known[t]; isKnown {
		return known, nil
	}
	as := r.identity.Copy()
	as.Region, as.Credentials = t.Region, r.roles.credentials(t, false)
	client, err := searchconn.Open(searchconn.Settings{
		Endpoint: t.SearchEndpoint, Auth: r.auth, SecretARN: t.ReaderSecretARN, CAPem: r.caPem,
	}, as)
	if err != nil {
		return nil, fmt.Errorf("open the search of %s: %w", t.Slug, err)
	}
	if len(r.known) >= most {
		clear(r.known)
	}
	reader := records.New(client, t.Slug)
	r.known[t] = reader
	return reader, nil
}
