package agentstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/earshot-hq/earshot/internal/agents"
)

// Aliases lists the Connect instances of which a directory is kept.
func (w Writer) Aliases(ctx context.Context) ([]string, error) {
	first, last, _ := strings.Cut(agents.ObjectKey("\x00"), "\x00")
	var aliases []string
	pages := s3.NewListObjectsV2Paginator(w.s3, &s3.ListObjectsV2Input{Bucket: &w.bucket, Prefix: &first})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list directories: %w", err)
		}
		for _, object := range page.Contents {
			alias, isOne := strings.CutSuffix(strings.TrimPrefix(aws.ToString(object.Key), first), last)
			if isOne && agents.ObjectKey(alias) == aws.ToString(object.Key) && !strings.Contains(alias, ".") {
				aliases = append(aliases, alias)
			}
		}
	}
	return aliases, nil
}

// Remove takes an agent out of the directory of a Connect instance, and every older version of it out of the bucket. It returns
// how many entries there were in the present one, 0 or 1; the next run reads Connect again. It may be called again after an
// error. A directory that is written meanwhile is an error.
func (w Writer) Remove(ctx context.Context, alias, username string) (removed int, err error) {
	key := agents.ObjectKey(alias)
	object, err := w.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &w.bucket, Key: &key})
	var absent *types.NoSuchKey
	if errors.As(err, &absent) {
		return 0, w.forget(ctx, key, "")
	}
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", key, err)
	}
	defer func() { _ = object.Body.Close() }()
	text, err := io.ReadAll(object.Body)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", key, err)
	}
	current := aws.ToString(object.VersionId)
	d, err := agents.Parse(text)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", key, err)
	}
	kept := slices.DeleteFunc(slices.Clone(d.Agents), func(a agents.Agent) bool { return a.Username == username })
	if removed = len(d.Agents) - len(kept); removed > 0 {
		d.Agents = kept
		if current, err = w.replace(ctx, key, aws.ToString(object.ETag), object.Metadata, d); err != nil {
			return 0, err
		}
	}
	return removed, w.forget(ctx, key, current)
}

// replace writes a directory in place of the one that was read, and returns its version; nothing of one that has nobody left.
func (w Writer) replace(ctx context.Context, key, etag string, metadata map[string]string, d *agents.Directory) (string, error) {
	if len(d.Agents) == 0 {
		return "", nil
	}
	text, err := d.Marshal()
	if err != nil {
		return "", err
	}
	metadata["agents"] = fmt.Sprint(len(d.Agents))
	answer, err := w.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &w.bucket, Key: &key, Body: strings.NewReader(string(text)), ContentType: aws.String(contentType), Metadata: metadata, IfMatch: &etag,
	})
	if err != nil {
		return "", fmt.Errorf("rewrite %s: %w", key, err)
	}
	return aws.ToString(answer.VersionId), nil
}

// forget deletes all versions of an object but one.
func (w Writer) forget(ctx context.Context, key, but string) error {
	pages := s3.NewListObjectVersionsPaginator(w.s3, &s3.ListObjectVersionsInput{Bucket: &w.bucket, Prefix: &key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list versions of %s: %w", key, err)
		}
		var old []string
		for _, version := range page.Versions {
			if aws.ToString(version.Key) == key {
				old = append(old, aws.ToString(version.VersionId))
			}
		}
		for _, marker := range page.DeleteMarkers {
			if aws.ToString(marker.Key) == key {
				old = append(old, aws.ToString(marker.VersionId))
			}
		}
		for _, version := range old {
			if version == but {
				continue
			}
			if _, err := w.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &w.bucket, Key: &key, VersionId: &version}); err != nil {
				return fmt.Errorf("delete a version of %s: %w", key, err)
			}
		}
	}
	return nil
}
