package testenv

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/earshot-hq/earshot/internal/sendonce"
)

// Region is where the emulator keeps what tests make.
const Region = "eu-central-1"

// AWSEndpoint returns the emulator's address, where IAM is enforced.
func AWSEndpoint(tb testing.TB) string {
	tb.Helper()
	return need(tb, "the AWS emulator", awsVariable)
}

// AWS returns the emulator as its root sees it, who may do everything.
func AWS(tb testing.TB) aws.Config {
	tb.Helper()
	return AWSAs(tb, "test", "test")
}

// AWSAs returns the emulator as an identity sees it, for tests of what the identity may do.
func AWSAs(tb testing.TB, accessKeyID, secretAccessKey string) aws.Config {
	tb.Helper()
	config := aws.Config{
		Region: Region, BaseEndpoint: aws.String(AWSEndpoint(tb)),
		Credentials: credentials.NewStaticCredentialsProvider(accessKeyID, secretAccessKey, ""),
	}
	sendonce.Apply(&config)
	return config
}
