// Package s3conn opens clients of S3 that work on AWS and off it.
package s3conn

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Open returns a client with an account's configuration. An endpoint that this names, off AWS only, knows no buckets as hosts.
func Open(account aws.Config, options ...func(*s3.Options)) *s3.Client {
	return s3.NewFromConfig(account, append([]func(*s3.Options){func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil }}, options...)...)
}
