// Package archive keeps envelopes in a tenant's S3 bucket, compressed, by kind and by the hour in which they were received:
// what a replay reads, and what an erasure takes people out of.
package archive

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

const (
	prefix   = "archive/" // of every key; the bucket's lifecycle and the roles of the stack name it
	hourForm = "2006-01-02T15"
	suffix   = ".ndjson.gz"
)

// An Archive is one tenant's. Use New.
type Archive struct {
	client *s3.Client
	bucket string
}

// New returns the archive in a bucket.
func New(client *s3.Client, bucket string) *Archive { return &Archive{client: client, bucket: bucket} }

// Keep stores the envelopes, those of one kind and hour in one object, and returns an error for each, nil where the bucket
// has it. The object's name comes from its content: keeping the same envelopes together again changes nothing, keeping them
// in other company keeps them twice, which a replay does not mind.
func (a *Archive) Keep(ctx context.Context, envelopes []telemetry.Envelope) []error {
	failed := make([]error, len(envelopes))
	groups := map[string][]int{}
	var folders []string
	for i, e := range envelopes {
		folder := folderOf(e.Kind, e.Ingest.ReceivedAt.Time())
		if groups[folder] == nil {
			folders = append(folders, folder)
		}
		groups[folder] = append(groups[folder], i)
	}
	for _, folder := range folders {
		members := groups[folder]
		lines := make([][]byte, 0, len(members))
		var err error
		for _, i := range members {
			line, lineErr := envelopes[i].Marshal()
			lines, err = append(lines, line), errors.Join(err, lineErr)
		}
		if err == nil {
			err = a.keep(ctx, folder, lines)
		}
		for _, i := range members {
			failed[i] = err
		}
	}
	return failed
}

func (a *Archive) keep(ctx context.Context, folder string, lines [][]byte) error {
	slices.SortFunc(lines, bytes.Compare) // a batch that comes again in another order is the same batch
	sum := sha256.Sum256(bytes.Join(lines, []byte("\n")))
	key := folder + hex.EncodeToString(sum[:12]) + suffix
	body, err := pack(lines)
	if err != nil {
		return err
	}
	_, err = a.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &a.bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/gzip"),
		IfNoneMatch: aws.String("*"), // or the bucket would keep a version for each delivery
	})
	if err != nil && !isThere(err) {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

// isThere recognises the answer to a write of an object that exists.
func isThere(err error) bool {
	var said smithy.APIError
	return errors.As(err, &said) && said.ErrorCode() == "PreconditionFailed"
}

func pack(lines [][]byte) ([]byte, error) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	for _, line := range lines {
		if _, err := zip.Write(append(line, '\n')); err != nil {
			return nil, fmt.Errorf("pack envelopes: %w", err)
		}
	}
	if err := zip.Close(); err != nil {
		return nil, fmt.Errorf("pack envelopes: %w", err)
	}
	return packed.Bytes(), nil
}

// folderOf is where the envelopes of one kind and hour are. Its names sort as the hours do.
func folderOf(kind string, receivedAt time.Time) string {
	return Folder(kind) + receivedAt.UTC().Format(hourForm) + "/"
}

// Folder begins the keys of all objects of a kind.
func Folder(kind string) string { return prefix + kind + "/" }

// Hour returns the hour that an object's key names.
func Hour(kind, key string) (time.Time, error) {
	hour, _, _ := strings.Cut(strings.TrimPrefix(key, Folder(kind)), "/")
	at, err := time.Parse(hourForm, hour)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is no object of the archive: %w", key, err)
	}
	return at, nil
}
