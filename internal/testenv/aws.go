package testenv

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Region is where the emulator keeps what tests make.
const Region = "eu-central-1"

// AWSEndpoint returns the emulator's address, where IAM is enforced.
func AWSEndpoint(t testing.TB) string {
	t.Helper()
	return need(t, "the AWS emulator", func(e environment) string { return e.AWS })
}

// AWS returns the emulator as its root sees it, who may do everything.
func AWS(t testing.TB) aws.Config {
	t.Helper()
	return AWSAs(t, "test", "test")
}

// AWSAs returns the emulator as an identity sees it, for tests of what the identity may do.
func AWSAs(t testing.TB, accessKeyID, secretAccessKey string) aws.Config {
	t.Helper()
	return aws.Config{
		Region: Region, BaseEndpoint: aws.String(AWSEndpoint(t)),
		Credentials: credentials.NewStaticCredentialsProvider(accessKeyID, secretAccessKey, ""),
	}
}
