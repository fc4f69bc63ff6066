package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/earshot-hq/earshot/internal/slug"
)

// Domains are those that dedicated tenants' stacks make, and that stay when the stack is deleted. A pooled tenant has none.
type Domains struct{ Client *opensearch.Client }

// Endpoint returns where the tenant's domain answers; it is empty when there is none, or none yet.
func (d Domains) Endpoint(ctx context.Context, s slug.Slug) (string, error) {
	domain, err := d.find(ctx, s)
	if err != nil || domain == nil || domain.Endpoint == nil {
		return "", err
	}
	return "https://" + *domain.Endpoint, nil
}

// Delete has the tenant's domain deleted, unless that was asked for before. AWS takes minutes to do it.
func (d Domains) Delete(ctx context.Context, s slug.Slug) error {
	domain, err := d.find(ctx, s)
	if err != nil || domain == nil || aws.ToBool(domain.Deleted) {
		return err
	}
	_, err = d.Client.DeleteDomain(ctx, &opensearch.DeleteDomainInput{DomainName: aws.String(s.DomainName())})
	var absent *types.ResourceNotFoundException
	if err != nil && !errors.As(err, &absent) {
		return fmt.Errorf("delete domain %s: %w", s.DomainName(), err)
	}
	return nil
}

// Left names the tenant's domain until it is gone: as long as AWS knows the name, no other domain can have it.
func (d Domains) Left(ctx context.Context, s slug.Slug) ([]string, error) {
	domain, err := d.find(ctx, s)
	switch {
	case err != nil || domain == nil:
		return nil, err
	case aws.ToBool(domain.Deleted):
		return []string{s.DomainName() + " (being deleted)"}, nil
	}
	return []string{s.DomainName()}, nil
}

// find returns nil when there is no such domain.
func (d Domains) find(ctx context.Context, s slug.Slug) (*types.DomainStatus, error) {
	found, err := d.Client.DescribeDomain(ctx, &opensearch.DescribeDomainInput{DomainName: aws.String(s.DomainName())})
	var absent *types.ResourceNotFoundException
	switch {
	case errors.As(err, &absent):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("describe domain %s: %w", s.DomainName(), err)
	}
	return found.DomainStatus, nil
}
