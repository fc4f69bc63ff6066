package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/earshot-hq/earshot/internal/buckets"
	"github.com/earshot-hq/earshot/internal/customresource"
)

// Sites publishes the softphone into tenants' buckets.
type Sites struct {
	S3        *s3.Client
	Artifacts string // the cell's bucket
	// RTCScriptSHA256 is the library that the operator has put into the bucket as rtc/<it>.js; empty: none.
	RTCScriptSHA256 string
}

var (
	errNoSite      = errors.New("the artifact version holds no site")
	errOtherScript = errors.New("the RTC library is not the one whose hash the cell names")
)

// Apply serves one request of a stack; it is a customresource.Provider's. Delete empties the bucket, which CloudFormation
// could not delete otherwise.
func (s *Sites) Apply(ctx context.Context, r customresource.Request) error {
	var in properties
	err := r.Properties(&in)
	if r.Type == cfn.RequestDelete {
		if err != nil || !strings.HasPrefix(in.Bucket, r.Slug.ResourcePrefix()) {
			return nil //nolint:nilerr // with such properties nothing was ever published
		}
		return buckets.Empty(ctx, s.S3, in.Bucket)
	}
	if err == nil {
		err = in.check(r.Slug)
	}
	if err != nil {
		return err
	}
	config, err := in.config(r.Slug)
	if err != nil {
		return err
	}
	return s.publish(ctx, in.Bucket, config)
}

// publish copies the version's site into the bucket: first what pages refer to, then config.json and the page, at last it
// removes what is no longer part of the site. Stopped in between, the old page still works, and the next try goes on.
func (s *Sites) publish(ctx context.Context, bucket string, c siteConfig) error {
	csp, err := policy(c)
	if err != nil {
		return err
	}
	from := c.ArtifactVersion + "/site/"
	names, err := s.list(ctx, s.Artifacts, from)
	if err != nil {
		return err
	}
	if !slices.Contains(names, indexName) {
		return fmt.Errorf("%w: %s", errNoSite, c.ArtifactVersion)
	}
	for _, name := range names {
		if name == indexName || name == configName {
			continue
		}
		content, err := s.get(ctx, from+name)
		if err != nil {
			return err
		}
		if err := s.put(ctx, bucket, name, content); err != nil {
			return err
		}
	}
	names = append(names, configName)
	if c.MediaOwner == "page" && s.RTCScriptSHA256 != "" { // without one the page says that it is missing
		if c.RTCScript, err = s.publishRTC(ctx, bucket); err != nil {
			return err
		}
		names = append(names, c.RTCScript.Source)
	}
	if err := s.publishPage(ctx, bucket, from, csp, c); err != nil {
		return err
	}
	return s.removeOthers(ctx, bucket, names)
}

// publishRTC copies the operator's library, if it is the one that was pinned.
func (s *Sites) publishRTC(ctx context.Context, bucket string) (*script, error) {
	content, err := s.get(ctx, "rtc/"+s.RTCScriptSHA256+".js")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	if hex.EncodeToString(sum[:]) != s.RTCScriptSHA256 {
		return nil, fmt.Errorf("%w: rtc/%s.js", errOtherScript, s.RTCScriptSHA256)
	}
	made := &script{
		Source:    "assets/connect-rtc-" + s.RTCScriptSHA256[:16] + ".js",
		Integrity: "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
	}
	return made, s.put(ctx, bucket, made.Source, content)
}

func (s *Sites) publishPage(ctx context.Context, bucket, from, csp string, c siteConfig) error {
	page, err := s.get(ctx, from+indexName)
	if err != nil {
		return err
	}
	if page, err = withPolicy(page, csp); err != nil {
		return err
	}
	config, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", configName, err)
	}
	if err := s.put(ctx, bucket, configName, config); err != nil {
		return err
	}
	return s.put(ctx, bucket, indexName, page)
}

// list returns the keys under prefix, without it.
func (s *Sites) list(ctx context.Context, bucket, prefix string) ([]string, error) {
	var names []string
	pages := s3.NewListObjectsV2Paginator(s.S3, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list %s of bucket %s: %w", prefix, bucket, err)
		}
		for _, object := range page.Contents {
			name := strings.TrimPrefix(aws.ToString(object.Key), prefix)
			if name != "" && !strings.HasSuffix(name, "/") {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

func (s *Sites) get(ctx context.Context, key string) ([]byte, error) {
	object, err := s.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.Artifacts, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	defer func() { _ = object.Body.Close() }()
	content, err := io.ReadAll(object.Body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return content, nil
}

func (s *Sites) put(ctx context.Context, bucket, name string, content []byte) error {
	_, err := s.S3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &name, Body: bytes.NewReader(content),
		ContentType: aws.String(contentType(name)), CacheControl: aws.String(cacheControl(name)),
	})
	if err != nil {
		return fmt.Errorf("publish %s: %w", name, err)
	}
	return nil
}

// removeOthers deletes what an earlier version of the site left.
func (s *Sites) removeOthers(ctx context.Context, bucket string, keep []string) error {
	present, err := s.list(ctx, bucket, "")
	if err != nil {
		return err
	}
	var doomed []types.ObjectIdentifier
	for _, name := range present {
		if !slices.Contains(keep, name) {
			doomed = append(doomed, types.ObjectIdentifier{Key: &name})
		}
	}
	for some := range slices.Chunk(doomed, 1000) {
		answer, err := s.S3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: some}})
		if err != nil {
			return fmt.Errorf("remove old files: %w", err)
		}
		if len(answer.Errors) > 0 {
			return fmt.Errorf("remove old files: %d were refused", len(answer.Errors))
		}
	}
	return nil
}
