package buckets_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/earshot-hq/earshot/internal/buckets"
	"github.com/earshot-hq/earshot/internal/testenv"
)

func client(t *testing.T) *s3.Client {
	t.Helper()
	return s3.NewFromConfig(testenv.AWS(t), func(o *s3.Options) { o.UsePathStyle = true })
}

// made returns a bucket of the emulator's.
func made(t *testing.T, c *s3.Client, name string) string {
	t.Helper()
	_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: testenv.Region},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		if err := buckets.Delete(ctx, c, name); err != nil {
			t.Error(err)
		}
	})
	return name
}

func put(t *testing.T, c *s3.Client, bucket, key string) {
	t.Helper()
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
}

func TestEmptyRemovesEverythingThatHoldsABucket(t *testing.T) {
	t.Parallel()
	c := client(t)
	s := testenv.Slug(t)
	bucket := made(t, c, s.ResourcePrefix()+"databucket-x")
	_, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1100 { // more than one page
		put(t, c, bucket, "a/"+strconv.Itoa(i))
	}
	put(t, c, bucket, "a/1")
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: aws.String("a/2")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: aws.String("large")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := buckets.Empty(t.Context(), c, bucket); err != nil {
			t.Fatal(err)
		}
	}
	versions, err := c.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket})
	if err != nil || len(versions.Versions)+len(versions.DeleteMarkers) != 0 {
		t.Errorf("%d versions and %d markers remain, %v", len(versions.Versions), len(versions.DeleteMarkers), err)
	}
	uploads, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil || len(uploads.Uploads) != 0 {
		t.Errorf("%d uploads remain, %v", len(uploads.Uploads), err)
	}
}

func TestDeleteAndNamed(t *testing.T) {
	t.Parallel()
	c := client(t)
	s := testenv.Slug(t)
	mine := made(t, c, s.ResourcePrefix()+"databucket-y")
	made(t, c, (s+"eu").ResourcePrefix()+"databucket-y")
	put(t, c, mine, "a")
	if names, err := buckets.Named(t.Context(), c, s.ResourcePrefix()); err != nil || len(names) != 1 || names[0] != mine {
		t.Errorf("named %v, %v", names, err)
	}
	for range 2 {
		if err := buckets.Delete(t.Context(), c, mine); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := buckets.Named(t.Context(), c, s.ResourcePrefix()); err != nil || len(names) != 0 {
		t.Errorf("named %v, %v", names, err)
	}
}
