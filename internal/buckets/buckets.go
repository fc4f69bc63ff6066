// Package buckets lists, empties and deletes a tenant's S3 buckets.
package buckets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxPasses bounds how often a bucket is looked through: a pass that finds something may have been overtaken by a writer.
const maxPasses = 1000

var errKeepsFilling = errors.New("somebody keeps writing into it")

// Named lists the buckets whose names begin with prefix.
func Named(ctx context.Context, client *s3.Client, prefix string) ([]string, error) {
	var names []string
	pages := s3.NewListBucketsPaginator(client, &s3.ListBucketsInput{Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list buckets: %w", err)
		}
		for _, bucket := range page.Buckets {
			if name := aws.ToString(bucket.Name); strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// Empty removes every version, delete marker and unfinished upload of the bucket, until a look finds none. A bucket that does
// not exist is empty.
func Empty(ctx context.Context, client *s3.Client, bucket string) error {
	for range maxPasses {
		found, err := removeSome(ctx, client, bucket)
		switch {
		case isAbsent(err):
			return nil
		case err != nil:
			return fmt.Errorf("empty bucket %s: %w", bucket, err)
		case found == 0:
			return nil
		}
	}
	return fmt.Errorf("empty bucket %s: %w", bucket, errKeepsFilling)
}

// Delete empties the bucket and deletes it. One that does not exist is deleted.
func Delete(ctx context.Context, client *s3.Client, bucket string) error {
	if err := Empty(ctx, client, bucket); err != nil {
		return err
	}
	if _, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket}); err != nil && !isAbsent(err) {
		return fmt.Errorf("delete bucket %s: %w", bucket, err)
	}
	return nil
}

// isAbsent reports whether an error says that the bucket or the object does not exist.
func isAbsent(err error) bool {
	var said smithy.APIError
	if errors.As(err, &said) {
		switch said.ErrorCode() {
		case "NoSuchBucket", "NoSuchKey", "NotFound":
			return true
		}
	}
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound
}

// removeSome removes one page of whatever is there and returns how much it was.
func removeSome(ctx context.Context, client *s3.Client, bucket string) (int, error) {
	page, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket})
	if err != nil {
		return 0, fmt.Errorf("list versions: %w", err)
	}
	var doomed []types.ObjectIdentifier
	for _, version := range page.Versions {
		doomed = append(doomed, types.ObjectIdentifier{Key: version.Key, VersionId: version.VersionId})
	}
	for _, marker := range page.DeleteMarkers {
		doomed = append(doomed, types.ObjectIdentifier{Key: marker.Key, VersionId: marker.VersionId})
	}
	if err := remove(ctx, client, bucket, doomed); err != nil {
		return 0, err
	}
	uploads, err := abortSome(ctx, client, bucket)
	return len(doomed) + uploads, err
}

func remove(ctx context.Context, client *s3.Client, bucket string, doomed []types.ObjectIdentifier) error {
	if len(doomed) == 0 {
		return nil
	}
	answer, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &bucket, Delete: &types.Delete{Objects: doomed, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return fmt.Errorf("delete objects: %w", err)
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("delete objects: %d were refused: %s", len(answer.Errors), aws.ToString(answer.Errors[0].Code))
	}
	return nil
}

func abortSome(ctx context.Context, client *s3.Client, bucket string) (int, error) {
	page, err := client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil {
		return 0, fmt.Errorf("list uploads: %w", err)
	}
	for _, upload := range page.Uploads {
		_, err := client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
			Bucket: &bucket, Key: upload.Key, UploadId: upload.UploadId,
		})
		if err != nil && !isAbsent(err) {
			return 0, fmt.Errorf("abort an upload: %w", err)
		}
	}
	return len(page.Uploads), nil
}
