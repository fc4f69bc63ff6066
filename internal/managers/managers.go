// Package managers keeps a tenant's managers in its Cognito user pool. It enters cells by a role of their own, which reaches
// tenants' pools and nothing else.
package managers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// pageSize is the most that Cognito lists at once.
const pageSize = 60

// Config is what Managers need.
type Config struct {
	Cells   *cellaws.Cells                                     // entered by cellaws.ManagersRole
	Cell    func(context.Context, string) (tenant.Cell, error) // by name
	Timeout time.Duration                                      // of one call of ours, however many it makes of AWS
	Now     func() time.Time                                   // time.Now unless a test lets days go by
}

// Managers implements tenant.Managers.
type Managers struct{ Config }

var _ tenant.Managers = (*Managers)(nil)

// New returns Managers.
func New(c Config) *Managers {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Managers{c}
}

// pool is a tenant's user pool.
type pool struct {
	api *cognitoidentityprovider.Client
	id  string
	now time.Time
}

// in runs do on the tenant's pool, whose id is an output of the tenant's stack.
func (m *Managers) in(ctx context.Context, t tenant.Tenant, do func(context.Context, pool) error) error {
	ctx, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	cell, err := m.Cell(ctx, t.Cell)
	if err != nil {
		return fmt.Errorf("find cell %s: %w", t.Cell, err)
	}
	config := m.Cells.Config(cell)
	stack := t.Slug.StackName()
	got, err := cloudformation.NewFromConfig(config).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	var said smithy.APIError
	switch {
	case errors.As(err, &said) && strings.Contains(said.ErrorMessage(), "does not exist"), err == nil && len(got.Stacks) != 1:
		return tenant.ErrNoPool
	case err != nil:
		return fmt.Errorf("describe stack %s: %w (%w)", stack, problem.ErrUnavailable, err)
	}
	for _, output := range got.Stacks[0].Outputs {
		if aws.ToString(output.OutputKey) == "UserPoolId" {
			return do(ctx, pool{cognitoidentityprovider.NewFromConfig(config), aws.ToString(output.OutputValue), m.Now()})
		}
	}
	return tenant.ErrNoPool
}

// Managers implements tenant.Managers.
func (m *Managers) Managers(ctx context.Context, t tenant.Tenant) (list []tenant.Manager, err error) {
	err = m.in(ctx, t, func(ctx context.Context, p pool) error {
		groups := map[string]tenant.ManagerGroup{}
		for _, group := range []tenant.ManagerGroup{tenant.Viewers, tenant.Editors} {
			members, err := p.members(ctx, group)
			if err != nil {
				return err
			}
			for _, name := range members {
				groups[name] = group
			}
		}
		users, err := p.users(ctx)
		for _, u := range users {
			group := groups[aws.ToString(u.Username)]
			list = append(list, p.managerOf(u.Attributes, u.UserStatus, u.Enabled, u.UserCreateDate, u.UserLastModifiedDate, group))
		}
		return err
	})
	slices.SortFunc(list, func(a, b tenant.Manager) int {
		return strings.Compare(strings.ToLower(a.Email), strings.ToLower(b.Email))
	})
	return list, err
}

func (p pool) users(ctx context.Context) (users []types.UserType, err error) {
	pages := cognitoidentityprovider.NewListUsersPaginator(p.api, &cognitoidentityprovider.ListUsersInput{
		UserPoolId: &p.id, Limit: aws.Int32(pageSize),
	})
	for pages.HasMorePages() && len(users) < tenant.MostManagers {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, p.said("list the users", err)
		}
		users = append(users, page.Users...)
	}
	return users, nil
}

func (p pool) members(ctx context.Context, group tenant.ManagerGroup) (names []string, err error) {
	pages := cognitoidentityprovider.NewListUsersInGroupPaginator(p.api, &cognitoidentityprovider.ListUsersInGroupInput{
		UserPoolId: &p.id, GroupName: aws.String(string(group)), Limit: aws.Int32(pageSize),
	})
	for pages.HasMorePages() && len(names) < tenant.MostManagers {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, p.said("list group "+string(group), err)
		}
		for _, u := range page.Users {
			names = append(names, aws.ToString(u.Username))
		}
	}
	return names, nil
}

// find returns the person with this address, or ErrManagerUnknown.
func (p pool) find(ctx context.Context, key string) (tenant.Manager, error) {
	got, err := p.api.AdminGetUser(ctx, &cognitoidentityprovider.AdminGetUserInput{UserPoolId: &p.id, Username: &key})
	if err != nil {
		return tenant.Manager{}, p.said("look for a user", err)
	}
	group, err := p.groupOf(ctx, key)
	return p.managerOf(got.UserAttributes, got.UserStatus, got.Enabled, got.UserCreateDate, got.UserLastModifiedDate, group), err
}

// groupOf is the group of ours that somebody is in; with two of them, which nobody should have, the one with fewer rights.
func (p pool) groupOf(ctx context.Context, key string) (tenant.ManagerGroup, error) {
	got, err := p.api.AdminListGroupsForUser(ctx, &cognitoidentityprovider.AdminListGroupsForUserInput{UserPoolId: &p.id, Username: &key})
	if err != nil {
		return "", p.said("list the groups of a user", err)
	}
	for _, group := range []tenant.ManagerGroup{tenant.Viewers, tenant.Editors} {
		if slices.ContainsFunc(got.Groups, func(g types.GroupType) bool { return aws.ToString(g.GroupName) == string(group) }) {
			return group, nil
		}
	}
	return "", nil
}

// said translates what Cognito says. A person's address is in none of our words.
func (p pool) said(doing string, err error) error {
	var absent *types.UserNotFoundException
	var exists *types.UsernameExistsException
	switch {
	case errors.As(err, &absent):
		return tenant.ErrManagerUnknown
	case errors.As(err, &exists):
		return tenant.ErrManagerExists
	}
	return fmt.Errorf("%s of pool %s: %w (%w)", doing, p.id, problem.ErrUnavailable, err)
}

// writtenAs is the attribute that keeps an address as it was first written: the one called email is compared, also by pools that
// do not know that letters have two cases.
const writtenAs = "name"

func (p pool) managerOf(
	attributes []types.AttributeType, status types.UserStatusType, enabled bool, made, changed *time.Time, group tenant.ManagerGroup,
) tenant.Manager {
	m := tenant.Manager{Enabled: enabled, Group: group, Status: tenant.ManagerActive, InvitedAt: aws.ToTime(made).UTC()}
	values := map[string]string{}
	for _, a := range attributes {
		values[aws.ToString(a.Name)] = aws.ToString(a.Value)
	}
	m.ID, m.Email = values["sub"], values["email"]
	if strings.EqualFold(values[writtenAs], m.Email) {
		m.Email = values[writtenAs]
	}
	if status == types.UserStatusTypeForceChangePassword {
		m.Status = tenant.ManagerInvited
		if p.now.Sub(aws.ToTime(changed)) > tenant.InvitationLasts {
			m.Status = tenant.ManagerExpired
		}
	}
	return m
}
