package cloud

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/earshot-hq/earshot/internal/testenv"
)

// as makes a tenant's directory role in our account, which may assume whatever takes it, and returns its session.
func (c *Cloud) as(t *testing.T, role string) aws.Config {
	t.Helper()
	made, err := c.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &role, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + ownAccount + `:root"},"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &role, PolicyName: aws.String("enter"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::*:role/*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	session, err := sts.NewFromConfig(c.config).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: made.Role.Arn, RoleSessionName: aws.String("test")})
	if err != nil {
		t.Fatal(err)
	}
	config := c.config.Copy()
	config.Credentials = credentials.NewStaticCredentialsProvider(
		*session.Credentials.AccessKeyId, *session.Credentials.SecretAccessKey, *session.Credentials.SessionToken)
	return config
}

// The role that the customer makes from our template takes this tenant's directory role with this tenant's external id: not
// without it, not with another's, and no other role of our account, be it another tenant's with the right id.
func TestAttackCustomersRole(t *testing.T) {
	t.Parallel()
	c := setup(t)
	tenant, neighbour := testenv.Slug(t), testenv.Slug(t)
	const externalID, instance = "KDPQ3MSEKDPQ3MSEKDPQ3MSEKD", "arn:aws:connect:eu-west-2:777788889999:instance/0a1b2c3d-0000-4000-8000-00000000acbe"
	role, err := c.CustomersRole(t.Context(), instance, externalID, tenant)
	if err != nil {
		t.Fatal(err)
	}
	own, other := c.as(t, tenant.DirectoryRole()), c.as(t, neighbour.DirectoryRole())
	for name, row := range map[string]struct {
		as         aws.Config
		externalID *string
		may        bool
	}{
		"the tenant's":                       {own, aws.String(externalID), true},
		"the tenant's, without external id":  {own, nil, false},
		"the tenant's, with another's id":    {own, aws.String("ABCDEFGHABCDEFGHABCDEFGHAB"), false},
		"a neighbour's":                      {other, aws.String(externalID), false},
		"a neighbour's, without external id": {other, nil, false},
	} {
		_, err := sts.NewFromConfig(row.as).AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: &role, RoleSessionName: aws.String("test"), ExternalId: row.externalID,
		})
		var said smithy.APIError
		if row.may != (err == nil) || err != nil && (!errors.As(err, &said) || said.ErrorCode() != "AccessDenied") {
			t.Errorf("%s: %v", name, err)
		}
	}
	again, err := c.CustomersRole(t.Context(), instance, externalID, tenant)
	if err != nil || again != role {
		t.Errorf("the same again: %s, then %s, %v", role, again, err)
	}
}
