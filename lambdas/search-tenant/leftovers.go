package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"github.com/earshot-hq/earshot/internal/buckets"
	"github.com/earshot-hq/earshot/internal/slug"
)

// Leftovers are what the deletion of a tenant's stack leaves behind, on purpose or not.
type Leftovers struct {
	Searches []Search // those that the cell names
	Domains  Domains
	Stacks   *cloudformation.Client
	Buckets  *s3.Client
	Logs     *cloudwatchlogs.Client
	Secrets  *secretsmanager.Client
}

var errStackLives = errors.New("the tenant's stack still exists; delete it first")

// Purge removes what search, domains, buckets and logs hold of the tenant. It is idempotent, and refuses while the tenant's stack
// exists: nothing of a tenant that works is ever removed by it.
func (l *Leftovers) Purge(ctx context.Context, s slug.Slug) error {
	if err := l.refuseLiving(ctx, s); err != nil {
		return err
	}
	for _, search := range l.Searches {
		if err := search.Admin.Purge(ctx, s); err != nil {
			return err
		}
	}
	if err := l.Domains.Delete(ctx, s); err != nil {
		return err
	}
	names, err := buckets.Named(ctx, l.Buckets, s.ResourcePrefix())
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := buckets.Delete(ctx, l.Buckets, name); err != nil {
			return err
		}
	}
	groups, err := l.logGroups(ctx, s)
	if err != nil {
		return err
	}
	for _, name := range groups {
		if _, err := l.Logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &name}); err != nil {
			return fmt.Errorf("delete log group %s: %w", name, err)
		}
	}
	return nil
}

// Sweep lists what search, domains, buckets, logs and secrets hold of the tenant; nothing when nothing is left.
func (l *Leftovers) Sweep(ctx context.Context, s slug.Slug) ([]string, error) {
	left, err := l.searchLeft(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, store := range []struct {
		what  string
		names func(context.Context, slug.Slug) ([]string, error)
	}{
		{"search domain", l.Domains.Left},
		{"bucket", func(ctx context.Context, s slug.Slug) ([]string, error) {
			return buckets.Named(ctx, l.Buckets, s.ResourcePrefix())
		}},
		{"log group", l.logGroups},
		{"secret", l.secrets},
	} {
		names, err := store.names(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			left = append(left, store.what+" "+name)
		}
	}
	return left, nil
}

func (l *Leftovers) searchLeft(ctx context.Context, s slug.Slug) ([]string, error) {
	left := []string{}
	for _, search := range l.Searches {
		found, err := search.Admin.Left(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, what := range found {
			if search.Of != "" {
				what += " in the search of " + search.Of
			}
			left = append(left, what)
		}
	}
	return left, nil
}

func (l *Leftovers) refuseLiving(ctx context.Context, s slug.Slug) error {
	_, err := l.Stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(s.StackName())})
	if err == nil {
		return errStackLives
	}
	var said smithy.APIError
	if errors.As(err, &said) && said.ErrorCode() == "ValidationError" && strings.Contains(said.ErrorMessage(), "does not exist") {
		return nil
	}
	return fmt.Errorf("describe stack %s: %w", s.StackName(), err)
}

// logGroups lists the tenant's log groups. The stack deletes them; a line that comes late makes one again.
func (l *Leftovers) logGroups(ctx context.Context, s slug.Slug) ([]string, error) {
	var names []string
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(l.Logs, &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePrefix: aws.String(s.LogGroupPrefix()),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list log groups: %w", err)
		}
		for _, group := range page.LogGroups {
			names = append(names, aws.ToString(group.LogGroupName))
		}
	}
	return names, nil
}

func (l *Leftovers) secrets(ctx context.Context, s slug.Slug) ([]string, error) {
	var names []string
	pages := secretsmanager.NewListSecretsPaginator(l.Secrets, &secretsmanager.ListSecretsInput{
		Filters: []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{s.SecretPrefix()}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list secrets: %w", err)
		}
		for _, secret := range page.SecretList {
			if name := aws.ToString(secret.Name); strings.HasPrefix(name, s.SecretPrefix()) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}
