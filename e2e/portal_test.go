package e2e_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/e2e/world"
)

// An admin's work in the portal, in Chromium: portal/test/browser says what is looked at. Pictures go to portal/screenshots.
func TestThePortalInABrowser(t *testing.T) {
	w := setup(t)
	atOnce(t)
	const next = "next"
	copyArtifacts(t, w, next)
	w.Browse(t, "portal", "EARSHOT_NEXT_VERSION="+next)
}

// copyArtifacts puts the artifacts into the cell's bucket under another version, to which tenants can be upgraded.
func copyArtifacts(t *testing.T, w *world.World, next string) {
	t.Helper()
	cell, client := w.Outputs(t, "earshotops-cell"), world.S3(w.AWS())
	bucket, version := cell["ArtifactBucket"], cell["ArtifactVersion"]
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String(version + "/")})
	copied := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range page.Contents {
			if _, err := client.CopyObject(t.Context(), &s3.CopyObjectInput{
				Bucket: &bucket, CopySource: aws.String(bucket + "/" + *object.Key), Key: aws.String(next + strings.TrimPrefix(*object.Key, version)),
			}); err != nil {
				t.Fatal(err)
			}
			copied++
		}
	}
	if copied == 0 {
		t.Fatalf("the cell has no artifacts of its version %s", version)
	}
}
