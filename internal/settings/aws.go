package settings

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/caarlos0/env/v11"

	"github.com/earshot-hq/earshot/internal/sendonce"
)

// functionAWS are the variables that Lambda sets for every function, and the endpoint that our stacks add off AWS.
type functionAWS struct {
	Region      string `env:"AWS_REGION,required,notEmpty"`
	KeyID       string `env:"AWS_ACCESS_KEY_ID,required,notEmpty"`
	KeySecret   string `env:"AWS_SECRET_ACCESS_KEY,required,notEmpty"`
	Session     string `env:"AWS_SESSION_TOKEN"`
	EndpointURL string `env:"AWS_ENDPOINT_URL"`
}

// FunctionAWS returns a Lambda function's AWS configuration, from its environment, where its role's keys are good for as long
// as it lives. The SDK's own loader also looks for profiles, single sign-on and instance roles, which no function has: it and
// the clients that it brings take a quarter of a cold start.
func FunctionAWS() (aws.Config, error) {
	loaded, err := env.ParseAs[functionAWS]()
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS settings: %w", err)
	}
	config := aws.Config{
		Region: loaded.Region, Credentials: credentials.NewStaticCredentialsProvider(loaded.KeyID, loaded.KeySecret, loaded.Session),
	}
	if loaded.EndpointURL != "" {
		config.BaseEndpoint = &loaded.EndpointURL
	}
	sendonce.Apply(&config)
	return config, nil
}

// ConnectEndpoint returns where a function finds a stand-in for Amazon Connect, by the variable that AWS's own SDKs read; empty
// on AWS, where no stack sets it.
func ConnectEndpoint() (string, error) {
	loaded, err := env.ParseAs[struct {
		URL string `env:"AWS_ENDPOINT_URL_CONNECT"`
	}]()
	if err != nil {
		return "", fmt.Errorf("AWS settings: %w", err)
	}
	return loaded.URL, nil
}
