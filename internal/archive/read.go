package archive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
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
	if first := Folder(kind) + from.UTC().Format(hourForm); after < first {
		after = first // sorts before all that is in this hour's folder
	}
	page, err := a.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &a.bucket, Prefix: aws.String(Folder(kind)), StartAfter: &after, MaxKeys: aws.Int32(int32(limit)),
	})
	if err != nil {
		return nil, fmt.Errorf("list the archive: %w", err)
	}
	var keys []string
	for _, object := range page.Contents {
		hour, err := Hour(kind, aws.ToString(object.Key))
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

// errDamaged is of an object that holds something else than the archive wrote.
var errDamaged = errors.New("the object is damaged")

// IsDamage reports whether an error of Read will not pass: the object is not as it was written.
func IsDamage(err error) bool { return errors.Is(err, errDamaged) }

// Read returns the envelopes of one object. It ends with an error when the object cannot be read, is not whole, or holds a
// line that is no envelope.
func (a *Archive) Read(ctx context.Context, key string) iter.Seq2[telemetry.Envelope, error] {
	return func(yield func(telemetry.Envelope, error) bool) {
		object, err := a.get(ctx, key)
		if err != nil {
			yield(telemetry.Envelope{}, err)
			return
		}
		for e, err := range unpack(object.packed) {
			if err != nil {
				err = fmt.Errorf("read %s: %w: %w", key, errDamaged, err)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// object is one of the bucket's, as it stands there.
type object struct {
	packed        []byte
	etag, version string
}

// get reads the whole object first: a connection that breaks must not look like an object that does.
func (a *Archive) get(ctx context.Context, key string) (object, error) {
	answer, err := a.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &a.bucket, Key: &key})
	if err != nil {
		return object{}, fmt.Errorf("read %s: %w", key, err)
	}
	defer func() { _ = answer.Body.Close() }()
	packed, err := io.ReadAll(answer.Body)
	if err != nil {
		return object{}, fmt.Errorf("read %s: %w", key, err)
	}
	return object{packed, aws.ToString(answer.ETag), aws.ToString(answer.VersionId)}, nil
}

func unpack(packed []byte) iter.Seq2[telemetry.Envelope, error] {
	return func(yield func(telemetry.Envelope, error) bool) {
		zip, err := gzip.NewReader(bytes.NewReader(packed))
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
