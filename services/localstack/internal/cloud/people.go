package cloud

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/earshot-hq/earshot/internal/slug"
)

// Owner makes the admin who may do everything, with this password, unless there already.
func (c *Cloud) Owner(ctx context.Context, pool, email, password string) error {
	_, err := c.cognito.AdminCreateUser(ctx, &cognitoidentityprovider.AdminCreateUserInput{
		UserPoolId: &pool, Username: &email, MessageAction: types.MessageActionTypeSuppress, TemporaryPassword: &password,
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: &email}, {Name: aws.String("email_verified"), Value: aws.String("true")},
		},
	})
	var exists *types.UsernameExistsException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("create %s: %w", email, err)
	}
	if _, err := c.cognito.AdminSetUserPassword(ctx, &cognitoidentityprovider.AdminSetUserPasswordInput{
		UserPoolId: &pool, Username: &email, Password: &password, Permanent: true,
	}); err != nil {
		return fmt.Errorf("set the password of %s: %w", email, err)
	}
	if _, err := c.cognito.AdminAddUserToGroup(ctx, &cognitoidentityprovider.AdminAddUserToGroupInput{
		UserPoolId: &pool, Username: &email, GroupName: aws.String("owner"),
	}); err != nil {
		return fmt.Errorf("make %s an owner: %w", email, err)
	}
	return nil
}

// ChoosePassword gives a manager of a tenant a password of their own.
func (c *Cloud) ChoosePassword(ctx context.Context, s slug.Slug, email, password string) error {
	stack, err := c.describe(ctx, s.StackName())
	if err != nil {
		return err
	}
	if stack == nil {
		return fmt.Errorf("choose the password of %s: there is no stack %s", email, s.StackName())
	}
	pool := outputsOf(stack)["UserPoolId"]
	if _, err := c.cognito.AdminSetUserPassword(ctx, &cognitoidentityprovider.AdminSetUserPasswordInput{
		UserPoolId: &pool, Username: &email, Password: &password, Permanent: true,
	}); err != nil {
		return fmt.Errorf("choose the password of %s: %w", email, err)
	}
	return nil
}

// Token signs an admin in and returns a bearer token for the admin API.
func (c *Cloud) Token(ctx context.Context, client, email, password string) (string, error) {
	answer, err := c.cognito.InitiateAuth(ctx, &cognitoidentityprovider.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": email, "PASSWORD": password},
	})
	if err != nil {
		return "", fmt.Errorf("sign %s in: %w", email, err)
	}
	if answer.AuthenticationResult == nil {
		return "", fmt.Errorf("sign %s in: a challenge %s was asked", email, answer.ChallengeName)
	}
	return aws.ToString(answer.AuthenticationResult.AccessToken), nil
}
