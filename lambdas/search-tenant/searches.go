package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/earshot-hq/earshot/internal/searchconn"
	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// A Place is where a stack wants its tenant to be.
type Place struct {
	Slug      slug.Slug
	Isolation string
	Endpoint  string // empty: the cell's
}

// A Search is one cluster and its administrator.
type Search struct {
	Of    string // whose it is, for an admin; empty: the cell's
	Admin *searchtenant.Admin
}

// Searches are the clusters that the provider may administer: those that the cell names, each with a sign-in of its own, and
// where IAM signs everybody in, the domain of the tenant's own stack.
type Searches struct {
	account   aws.Config
	domains   Domains
	replicas  int
	shared    searchconn.Settings
	dedicated searchconn.Settings // the dedicated tenants', where passwords sign in; without endpoint there is none
}

var (
	// errForeignEndpoint keeps passwords where they belong.
	errForeignEndpoint = errors.New("the cell names no search at this endpoint, and its passwords are for those that it names")
	// errForeignDomain keeps a stack at its tenant's own domain.
	errForeignDomain = errors.New("the endpoint is not that of the tenant's own domain")
	// errNotDedicated keeps a tenant that was promised a cluster of its own out of the others'.
	errNotDedicated = errors.New("a dedicated tenant needs a search of its own, and its stack names none")
)

// At returns the administrator of the cluster at a place, errForeignEndpoint, errForeignDomain or errNotDedicated.
func (s *Searches) At(ctx context.Context, p Place) (*searchtenant.Admin, error) {
	settings, err := s.settings(ctx, p)
	if err != nil {
		return nil, err
	}
	return s.admin(settings)
}

// Named returns the clusters that the cell names.
func (s *Searches) Named() ([]Search, error) {
	shared, err := s.admin(s.shared)
	if err != nil {
		return nil, err
	}
	named := []Search{{Admin: shared}}
	if s.dedicated.Endpoint == "" {
		return named, nil
	}
	dedicated, err := s.admin(s.dedicated)
	return append(named, Search{Of: "dedicated tenants", Admin: dedicated}), err
}

// Holding returns the clusters that may hold documents of a tenant: those that the cell names, and where IAM signs everybody in,
// the domain of the tenant's own, if it has one.
func (s *Searches) Holding(ctx context.Context, tenant slug.Slug) ([]Search, error) {
	holding, err := s.Named()
	if err != nil || s.shared.Auth == searchconn.Basic {
		return holding, err
	}
	own, err := s.domains.Endpoint(ctx, tenant)
	if err != nil || own == "" {
		return holding, err
	}
	admin, err := s.admin(s.shared.At(own))
	return append(holding, Search{Of: tenant.String(), Admin: admin}), err
}

func (s *Searches) settings(ctx context.Context, p Place) (searchconn.Settings, error) {
	isShared := p.Endpoint == "" || p.Endpoint == s.shared.Endpoint
	switch {
	case isShared && p.Isolation == string(tenant.Dedicated):
		return searchconn.Settings{}, errNotDedicated
	case isShared:
		return s.shared, nil
	case s.shared.Auth == searchconn.Basic && p.Endpoint == s.dedicated.Endpoint:
		return s.dedicated, nil
	case s.shared.Auth == searchconn.Basic:
		return searchconn.Settings{}, errForeignEndpoint
	}
	own, err := s.domains.Endpoint(ctx, p.Slug)
	if err == nil && own != p.Endpoint {
		err = errForeignDomain
	}
	return s.shared.At(own), err
}

func (s *Searches) admin(at searchconn.Settings) (*searchtenant.Admin, error) {
	search, err := searchconn.Open(at, s.account)
	if err != nil {
		return nil, err
	}
	options := searchtenant.DefaultOptions()
	options.Replicas = s.replicas
	options.HasUsers = at.Auth == searchconn.Basic
	return searchtenant.New(search, options), nil
}
