// Package residue removes and finds what a deleted stack leaves behind, and what a tenant keeps no longer: in search and S3
// through the cell's provider, and in AWS's other services by their lists.
package residue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	taggingtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/smithy-go"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Purger implements operation.Purger and operation.Eraser.
type Purger struct{ cells *cellaws.Cells }

// New returns a Purger that enters cells by way of cells.
func New(cells *cellaws.Cells) *Purger { return &Purger{cells: cells} }

// Purge has the cell's provider delete the tenant's indices, index templates, space and data bucket. It is idempotent, and
// an error says what is left.
func (p *Purger) Purge(ctx context.Context, cell tenant.Cell, s slug.Slug) error {
	left, err := p.ask(ctx, cell, "purge", s)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("the purge of %s left %s", s, strings.Join(left, "; "))
	}
	return nil
}

// Sweep lists what any store of the cell still holds of the tenant, in words; empty when nothing is left. AWS's list of tagged
// resources trails by minutes: what it names may be gone already, so ask again.
func (p *Purger) Sweep(ctx context.Context, cell tenant.Cell, s slug.Slug) ([]string, error) {
	left, err := p.ask(ctx, cell, "sweep", s)
	if err != nil {
		return nil, err
	}
	cfg := p.cells.Config(cell)
	for _, look := range []func(context.Context, aws.Config, slug.Slug) ([]string, error){stack, roles, tagged} {
		found, err := look(ctx, cfg, s)
		if err != nil {
			return nil, err
		}
		left = append(left, found...)
	}
	slices.Sort(left)
	return slices.Compact(left), nil
}

// Expire has the cell's provider delete those of the named indices that are older than the retention, and returns them. With
// none named it deletes nothing and returns those that are due.
func (p *Purger) Expire(ctx context.Context, cell tenant.Cell, s slug.Slug, retentionDays int, indices []string) ([]string, error) {
	request := map[string]any{"action": "expire", "slug": s.String(), "retention_days": retentionDays, "indices": indices}
	var answer struct {
		Indices []string `json:"indices"`
	}
	err := p.cells.InvokeProvider(ctx, cell, request, &answer)
	return answer.Indices, err
}

// Volumes asks the cell's provider how many bytes of documents each of a tenant's kinds makes a day.
func (p *Purger) Volumes(ctx context.Context, cell tenant.Cell, s slug.Slug) (map[string]int64, error) {
	var answer struct {
		BytesPerDay map[string]int64 `json:"bytes_per_day"`
	}
	err := p.cells.InvokeProvider(ctx, cell, map[string]any{"action": "volume", "slug": s.String()}, &answer)
	return answer.BytesPerDay, err
}

// Erase has the cell's provider do some of one part of an erasure. Its errors name nobody, as the provider's do.
func (p *Purger) Erase(
	ctx context.Context, cell tenant.Cell, s slug.Slug, part operation.ErasedPart, e operation.Erasure, cursor string,
) (operation.Erased, error) {
	request := map[string]any{
		"action": "erase", "slug": s.String(), "part": part, "agent": e.Agent, "subject": e.Subject, "before": e.Before, "cursor": cursor,
	}
	var answer struct {
		Cursor  string `json:"cursor"`
		Removed int    `json:"removed"`
		Waiting int    `json:"waiting"`
		Done    bool   `json:"done"`
	}
	err := p.cells.InvokeProvider(ctx, cell, request, &answer)
	return operation.Erased(answer), err
}

// ask invokes the cell's provider about what is left of one tenant.
func (p *Purger) ask(ctx context.Context, cell tenant.Cell, action string, s slug.Slug) ([]string, error) {
	var answer struct {
		Left []string `json:"left"`
	}
	err := p.cells.InvokeProvider(ctx, cell, map[string]any{"action": action, "slug": s.String()}, &answer)
	return answer.Left, err
}

func stack(ctx context.Context, cfg aws.Config, s slug.Slug) ([]string, error) {
	got, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(s.StackName())})
	var answered smithy.APIError
	switch {
	case errors.As(err, &answered) && strings.Contains(answered.ErrorMessage(), "does not exist"):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look for stack %s: %w", s.StackName(), err)
	}
	var found []string
	for _, one := range got.Stacks {
		found = append(found, "stack "+aws.ToString(one.StackName)+" ("+string(one.StackStatus)+")")
	}
	return found, nil
}

// roles asks for each by name: no list of tagged resources has them.
func roles(ctx context.Context, cfg aws.Config, s slug.Slug) ([]string, error) {
	client := iam.NewFromConfig(cfg)
	var found []string
	for _, what := range []string{"pushers", "indexer", "directory", "reader", "editor"} {
		name := s.ResourcePrefix() + what
		_, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(name)})
		var absent *iamtypes.NoSuchEntityException
		switch {
		case errors.As(err, &absent):
		case err != nil:
			return nil, fmt.Errorf("look for role %s: %w", name, err)
		default:
			found = append(found, "role "+name)
		}
	}
	return found, nil
}

// named are the services whose leftovers the provider names itself.
var named = []string{"s3", "logs", "secretsmanager", "es"}

func tagged(ctx context.Context, cfg aws.Config, s slug.Slug) ([]string, error) {
	var found []string
	pages := tagging.NewGetResourcesPaginator(tagging.NewFromConfig(cfg), &tagging.GetResourcesInput{
		TagFilters: []taggingtypes.TagFilter{{Key: aws.String("earshot:tenant"), Values: []string{s.String()}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list tagged resources: %w", err)
		}
		for _, resource := range page.ResourceTagMappingList {
			parsed, err := arn.Parse(aws.ToString(resource.ResourceARN))
			if err != nil {
				return nil, fmt.Errorf("list tagged resources: %w", err)
			}
			if !slices.Contains(named, parsed.Service) {
				found = append(found, parsed.Service+" "+parsed.Resource)
			}
		}
	}
	return found, nil
}
