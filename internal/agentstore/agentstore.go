// Package agentstore keeps agent directories in a tenant's S3 bucket, and in the memory of the functions that look agents up.
package agentstore

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/s3conn"
)

const contentType = "application/json"

// A Writer puts directories into a bucket. Use NewWriter.
type Writer struct {
	s3     *s3.Client
	bucket string
}

// NewWriter returns a writer to a tenant's bucket.
func NewWriter(account aws.Config, bucket string) Writer { return Writer{clientOf(account), bucket} }

// clientOf is S3 as an account sees it.
func clientOf(account aws.Config) *s3.Client {
	return s3conn.Open(account, func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true })
}

// Put replaces the directory of a Connect instance in one step: whoever reads meets the old one or the new.
func (w Writer) Put(ctx context.Context, alias string, d *agents.Directory) error {
	text, err := d.Marshal()
	if err != nil {
		return err
	}
	return w.put(ctx, agents.ObjectKey(alias), text, map[string]string{
		"v": strconv.Itoa(agents.Version), "agents": strconv.Itoa(len(d.Agents)), "taken-at": d.TakenAt.UTC().Format(time.RFC3339),
	})
}

// PutStatus replaces what the last run for an instance came to.
func (w Writer) PutStatus(ctx context.Context, s agents.Status) error {
	text, err := s.Marshal()
	if err != nil {
		return err
	}
	return w.put(ctx, agents.StatusKey(s.Alias), text, nil)
}

func (w Writer) put(ctx context.Context, key string, text []byte, metadata map[string]string) error {
	_, err := w.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &w.bucket, Key: &key, Body: bytes.NewReader(text), ContentType: aws.String(contentType), Metadata: metadata,
	})
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}
