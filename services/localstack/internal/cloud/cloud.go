package cloud

import (
	"context"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/earshot-hq/earshot/infra"
	"github.com/earshot-hq/earshot/internal/s3conn"
	"github.com/earshot-hq/earshot/internal/sendonce"
)

// The operator's two stacks. Their names are no tenant's: a tenant's begins with the other prefix.
const (
	controlPlaneStack = "earshotops-control-plane"
	CellStack         = "earshotops-cell"
)

// A Cloud is the emulator as its root.
type Cloud struct {
	infra     string // the templates' folder
	config    aws.Config
	formation *cloudformation.Client
	cognito   *cognitoidentityprovider.Client
	iam       *iam.Client
	s3        *s3.Client
	secrets   *secretsmanager.Client
}

// New returns the emulator at endpoint.
func New(endpoint, region, infra string) *Cloud {
	return newCloud(configFor(endpoint, region, "test", "test"), infra)
}

func newCloud(config aws.Config, infra string) *Cloud {
	return &Cloud{
		infra: infra, config: config,
		formation: cloudformation.NewFromConfig(config),
		cognito:   cognitoidentityprovider.NewFromConfig(config),
		iam:       iam.NewFromConfig(config),
		s3:        s3conn.Open(config),
		secrets:   secretsmanager.NewFromConfig(config),
	}
}

func configFor(endpoint, region, id, secret string) aws.Config {
	config := aws.Config{Region: region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(id, secret, "")}
	sendonce.Apply(&config)
	return config
}

// A ControlPlane is what the operator has once.
type ControlPlane struct {
	PoolID, ClientID, Issuer                                                                   string
	WorkerUser, WorkerPrincipalARN, APIUser, APIPrincipalARN, GatewayUser, GatewayPrincipalARN string
}

// ControlPlane deploys the control plane's stack. portal is where the browser comes back to after it has signed in.
func (c *Cloud) ControlPlane(ctx context.Context, portal string) (ControlPlane, error) {
	template, err := c.template("control-plane.yaml")
	if err != nil {
		return ControlPlane{}, err
	}
	outputs, err := c.deploy(ctx, controlPlaneStack, template, map[string]string{"Local": "true", "CallbackUrls": portal})
	return ControlPlane{
		PoolID: outputs["AdminPoolId"], ClientID: outputs["AdminClientId"], Issuer: outputs["AdminIssuer"],
		WorkerUser: outputs["WorkerUserName"], WorkerPrincipalARN: outputs["WorkerPrincipalArn"],
		GatewayUser: outputs["GatewayUserName"], GatewayPrincipalARN: outputs["GatewayPrincipalArn"],
		APIUser: outputs["ApiUserName"], APIPrincipalARN: outputs["ApiPrincipalArn"],
	}, err
}

// template is as it is sent: without comments.
func (c *Cloud) template(name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(c.infra, name))
	return string(infra.Packed(content)), err
}

// An AccessKey is an IAM user's.
type AccessKey struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
}

// Key returns kept if the user's key still is that, else a new key. The emulator has no CloudFormation type for it.
func (c *Cloud) Key(ctx context.Context, user string, kept AccessKey) (AccessKey, error) {
	listed, err := c.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: &user})
	if err != nil {
		return kept, err
	}
	for _, key := range listed.AccessKeyMetadata {
		if aws.ToString(key.AccessKeyId) == kept.ID && c.signs(ctx, kept) {
			return kept, nil
		}
		if _, err := c.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: &user, AccessKeyId: key.AccessKeyId}); err != nil {
			return kept, err
		}
	}
	made, err := c.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &user})
	if err != nil {
		return kept, err
	}
	return AccessKey{ID: aws.ToString(made.AccessKey.AccessKeyId), Secret: aws.ToString(made.AccessKey.SecretAccessKey)}, nil
}

func (c *Cloud) signs(ctx context.Context, key AccessKey) bool {
	config := configFor(*c.config.BaseEndpoint, c.config.Region, key.ID, key.Secret)
	_, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, nil)
	return err == nil
}
