package settings_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/earshot-hq/earshot/internal/settings"
)

func TestFunctionAWSIsWhatLambdaSets(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "ASIAKEY")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SESSION_TOKEN", "session")
	t.Setenv("AWS_ENDPOINT_URL", "")
	got, err := settings.FunctionAWS()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := got.Credentials.Retrieve(t.Context())
	if err != nil || keys.AccessKeyID != "ASIAKEY" || keys.SecretAccessKey != "secret" || keys.SessionToken != "session" {
		t.Errorf("keys %q with session %q: %v", keys.AccessKeyID, keys.SessionToken, err)
	}
	if got.Region != "eu-central-1" || got.BaseEndpoint != nil {
		t.Errorf("region %s, endpoint %q; want none on AWS", got.Region, aws.ToString(got.BaseEndpoint))
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
	if got, err = settings.FunctionAWS(); err != nil || aws.ToString(got.BaseEndpoint) != "http://127.0.0.1:4566" {
		t.Errorf("endpoint %q: %v", aws.ToString(got.BaseEndpoint), err)
	}
}

func TestFunctionAWSNamesWhatIsMissing(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	_, err := settings.FunctionAWS()
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}
