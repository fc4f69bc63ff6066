package archive

import (
	"bytes"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// Remove takes the records for which doomed returns true out of one object and returns how many they were. What else is in
// the object stays under the same key; nothing of the removed records stays in an older version of it. It may be called
// again after an error. A write between reading and writing is refused and returned as an error.
func (a *Archive) Remove(ctx context.Context, key string, doomed func(telemetry.Envelope, telemetry.Record) bool) (int, error) {
	object, err := a.get(ctx, key)
	if err != nil {
		return 0, err
	}
	var lines [][]byte
	removed := 0
	for e, err := range unpack(object.packed) {
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", key, err)
		}
		kept := make([]telemetry.Record, 0, len(e.Records))
		for _, record := range e.Records {
			if !doomed(e, record) {
				kept = append(kept, record)
			}
		}
		removed += len(e.Records) - len(kept)
		if e.Records = kept; len(kept) == 0 {
			continue
		}
		line, err := e.Marshal()
		if err != nil {
			return 0, err
		}
		lines = append(lines, line)
	}
	// Without a removal too: an earlier try may have ended between the new version and the old one.
	var current string
	switch {
	case removed == 0:
		current = object.version
	case len(lines) > 0:
		if current, err = a.replace(ctx, key, object.etag, lines); err != nil {
			return 0, err
		}
	}
	return removed, a.forget(ctx, key, current)
}

// replace writes the object anew and returns its version.
func (a *Archive) replace(ctx context.Context, key, etag string, lines [][]byte) (string, error) {
	body, err := pack(lines)
	if err != nil {
		return "", err
	}
	answer, err := a.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &a.bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/gzip"), IfMatch: &etag,
	})
	if err != nil {
		return "", fmt.Errorf("rewrite %s: %w", key, err)
	}
	return aws.ToString(answer.VersionId), nil
}

// forget deletes all versions of an object but one.
func (a *Archive) forget(ctx context.Context, key, but string) error {
	page, err := a.client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &a.bucket, Prefix: &key})
	if err != nil {
		return fmt.Errorf("list versions of %s: %w", key, err)
	}
	var old []types.ObjectIdentifier
	for _, version := range page.Versions {
		if id := aws.ToString(version.VersionId); aws.ToString(version.Key) == key && id != but {
			old = append(old, types.ObjectIdentifier{Key: &key, VersionId: &id})
		}
	}
	for _, marker := range page.DeleteMarkers {
		if aws.ToString(marker.Key) == key {
			old = append(old, types.ObjectIdentifier{Key: &key, VersionId: marker.VersionId})
		}
	}
	if len(old) == 0 {
		return nil
	}
	answer, err := a.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &a.bucket, Delete: &types.Delete{Objects: old}})
	if err != nil {
		return fmt.Errorf("delete versions of %s: %w", key, err)
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("delete versions of %s: %s", key, aws.ToString(answer.Errors[0].Code))
	}
	return nil
}
