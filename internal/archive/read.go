package archive

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// maxLine bounds an envelope; internal/queue takes none that is larger.
const maxLine = 16 << 20

// Keys returns up to limit keys of objects that may hold envelopes of a kind received from the instant from on and before
// to, in the order of their hours, beginning after the key after (empty: at the first). Fewer than limit: these are the last.
func (a *Archive) Keys(ctx context.Context, kind string, from, to time.Time, after string, limit int) ([]string, error) {
	if first := prefix + kind + "/" + from.UTC().Format(hourForm); after < first {
		after = first // sorts before all that is in this hour's folder
	}
	page, err := a.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &a.bucket, Prefix: aws.String(prefix + kind + "/"), StartAfter: &after, MaxKeys: aws.Int32(int32(limit)),
	})
	if err != nil {
		return nil, fmt.Errorf("list the archive: %w", err)
	}
	var keys []string
	for _, object := range page.Contents {
		hour, err := hourOf(kind, aws.ToString(object.Key))
		if err != nil {
			return nil, err
		}
		if !hour.Before(to) {
			break
		}
		keys = append(keys, aws.ToString(object.Key))
	}
	return keys, nil
}

// Read returns the envelopes of one object. It ends with an error when the object is not whole, or holds a line that is none.
func (a *Archive) Read(ctx context.Context, key string) iter.Seq2[telemetry.Envelope, error] {
	return func(yield func(telemetry.Envelope, error) bool) {
		object, err := a.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &a.bucket, Key: &key})
		if err != nil {
			yield(telemetry.Envelope{}, fmt.Errorf("read %s: %w", key, err))
			return
		}
		defer func() { _ = object.Body.Close() }()
		for e, err := range unpack(object.Body) {
			if err != nil {
				err = fmt.Errorf("read %s: %w", key, err)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func unpack(packed io.Reader) iter.Seq2[telemetry.Envelope, error] {
	return func(yield func(telemetry.Envelope, error) bool) {
		zip, err := gzip.NewReader(packed)
		if err != nil {
			yield(telemetry.Envelope{}, fmt.Errorf("not gzip: %w", err))
			return
		}
		lines := bufio.NewScanner(zip)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			e, err := telemetry.ParseEnvelope(lines.Bytes())
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(telemetry.Envelope{}, err)
		}
	}
}
