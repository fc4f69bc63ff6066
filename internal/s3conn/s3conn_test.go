package s3conn_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/s3conn"
)

func TestBucketsAreHostsOnAWSAlone(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]bool{"": false, "http://127.0.0.1:4566": true} {
		account := aws.Config{Region: "eu-central-1"}
		if endpoint != "" {
			account.BaseEndpoint = &endpoint
		}
		got := s3conn.Open(account, func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true }).Options()
		if got.UsePathStyle != want {
			t.Errorf("endpoint %q: paths %t, want %t", endpoint, got.UsePathStyle, want)
		}
		if !got.DisableLogOutputChecksumValidationSkipped {
			t.Errorf("endpoint %q: the caller's own option is lost", endpoint)
		}
	}
}
