// Package erasures notes in a tenant's S3 bucket which agents were erased, and up to when, so that what is on its way to search
// can be stopped there. The name of an object says it all: the agent's subject and the instant; the bucket's lifecycle removes
// it when nothing can be on its way any more.
package erasures

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

const prefix = "erased/" // of every key; the bucket's lifecycle and the roles of the stack name it

// Erasures are one tenant's. Use New. They may be used from several goroutines.
type Erasures struct {
	client *s3.Client
	bucket string
	key    string
	fresh  time.Duration

	mu    sync.Mutex
	known telemetry.Erasures // guarded by mu
	read  time.Time          // guarded by mu; zero: never
}

// readTime is how long the list may take, which is one page.
const readTime = 5 * time.Second

// New returns the erasures that are noted in a bucket under the tenant's key. What was read is believed for as long as fresh.
func New(client *s3.Client, bucket, key string, fresh time.Duration) *Erasures {
	return &Erasures{client: client, bucket: bucket, key: key, fresh: fresh}
}

// Note notes one. It returns when whoever reads from then on sees it, and may be called again.
func (e *Erasures) Note(ctx context.Context, of telemetry.Subject, before telemetry.Instant) error {
	key := prefix + string(of) + "-" + strconv.FormatInt(int64(before), 10)
	if _, err := e.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &e.bucket, Key: &key, Body: bytes.NewReader(nil)}); err != nil {
		return fmt.Errorf("note an erasure: %w", err)
	}
	return nil
}

// Current returns what is noted. An error means that nobody knows: nothing may pass then.
func (e *Erasures) Current(ctx context.Context) (telemetry.Erasures, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.read.IsZero() && time.Since(e.read) < e.fresh {
		return e.known, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	began, found := time.Now(), telemetry.NewErasures(e.key)
	pages := s3.NewListObjectsV2Paginator(e.client, &s3.ListObjectsV2Input{Bucket: &e.bucket, Prefix: aws.String(prefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return telemetry.Erasures{}, fmt.Errorf("list erasures: %w", err)
		}
		for _, object := range page.Contents {
			if of, before, isOne := parse(aws.ToString(object.Key)); isOne {
				found.Add(of, before)
			}
		}
	}
	e.known, e.read = found, began
	return found, nil
}

func parse(key string) (of telemetry.Subject, before telemetry.Instant, isOne bool) {
	subject, instant, _ := strings.Cut(strings.TrimPrefix(key, prefix), "-")
	of, err := telemetry.ParseSubject(subject)
	if err != nil {
		return "", 0, false
	}
	millis, err := strconv.ParseInt(instant, 10, 64)
	return of, telemetry.Instant(millis), err == nil
}
