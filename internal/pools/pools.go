// Package pools asks tenants' Cognito user pools for what the gateway needs of them: its own client's secret, and the end of a
// person's sessions.
package pools

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// Pools asks as the gateway.
type Pools struct {
	client *cognitoidentityprovider.Client
}

// New returns Pools of the region that config is for.
func New(config aws.Config) *Pools {
	return &Pools{cognitoidentityprovider.NewFromConfig(config)}
}

// ClientSecret returns the secret of a pool's client.
func (p *Pools) ClientSecret(ctx context.Context, pool, client string) (string, error) {
	got, err := p.client.DescribeUserPoolClient(ctx, &cognitoidentityprovider.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: &client})
	if err != nil {
		return "", fmt.Errorf("ask pool %s for its client: %w", pool, err)
	}
	return aws.ToString(got.UserPoolClient.ClientSecret), nil
}

// Groups returns the names of the groups that a person is in, who is named by their subject.
func (p *Pools) Groups(ctx context.Context, pool, subject string) ([]string, error) {
	got, err := p.client.AdminListGroupsForUser(ctx, &cognitoidentityprovider.AdminListGroupsForUserInput{UserPoolId: &pool, Username: &subject})
	if err != nil {
		return nil, fmt.Errorf("ask pool %s for a person's groups: %w", pool, err)
	}
	names := make([]string, 0, len(got.Groups))
	for _, group := range got.Groups {
		names = append(names, aws.ToString(group.GroupName))
	}
	return names, nil
}

// SignOut ends all sessions of a person, named by their subject; of one who is gone there are none.
func (p *Pools) SignOut(ctx context.Context, pool, subject string) error {
	_, err := p.client.AdminUserGlobalSignOut(ctx, &cognitoidentityprovider.AdminUserGlobalSignOutInput{UserPoolId: &pool, Username: &subject})
	var absent *types.UserNotFoundException
	if err != nil && !errors.As(err, &absent) {
		return fmt.Errorf("end the sessions of a person of pool %s: %w", pool, err)
	}
	return nil
}
