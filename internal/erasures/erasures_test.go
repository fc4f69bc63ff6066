package erasures_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/earshot-hq/earshot/internal/erasures"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/testenv"
)

const key = "the tenant's key"

func bucket(t *testing.T) (*s3.Client, string) {
	t.Helper()
	client := s3.NewFromConfig(testenv.AWS(t), func(o *s3.Options) { o.UsePathStyle = true })
	name := "erasures-" + testenv.Slug(t).String()
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: testenv.Region},
	}); err != nil {
		t.Fatal(err)
	}
	return client, name
}

func envelope(agent string) telemetry.Envelope {
	doc, _ := json.Marshal(map[string]string{"agent": agent})
	return telemetry.Envelope{Records: []telemetry.Record{{ID: "1", At: 1, Doc: doc}}}
}

func TestWhatIsNotedIsErased(t *testing.T) {
	t.Parallel()
	client, name := bucket(t)
	e := erasures.New(client, name, key, 0)
	erased := func(agent string) int {
		t.Helper()
		current, err := e.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, n := current.Apply(envelope(agent))
		return n
	}
	if n := erased("mira.holm"); n != 0 {
		t.Errorf("%d records are erased where nothing is noted", n)
	}
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: aws.String("erased/junk"), Body: strings.NewReader("")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := e.Note(t.Context(), telemetry.SubjectOf(key, "mira.holm"), 1000); err != nil {
			t.Fatal(err)
		}
	}
	if mira, other := erased("mira.holm"), erased("jo.lund"); mira != 1 || other != 0 {
		t.Errorf("%d and %d records are erased, want 1 and 0", mira, other)
	}
	list, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &name})
	if err != nil || len(list.Contents) != 2 {
		t.Fatalf("%d objects, %v", len(list.Contents), err)
	}
	for _, object := range list.Contents {
		if strings.Contains(*object.Key, "mira") || *object.Size != 0 {
			t.Errorf("%s of %d bytes names somebody", *object.Key, *object.Size)
		}
	}
}

func TestWhatWasReadIsKeptForAWhile(t *testing.T) {
	t.Parallel()
	client, name := bucket(t)
	kept, fresh := erasures.New(client, name, key, time.Hour), erasures.New(client, name, key, 0)
	if _, err := kept.Current(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := fresh.Note(t.Context(), telemetry.SubjectOf(key, "mira.holm"), 1000); err != nil {
		t.Fatal(err)
	}
	for by, want := range map[*erasures.Erasures]int{kept: 0, fresh: 1} {
		current, err := by.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, n := current.Apply(envelope("mira.holm")); n != want {
			t.Errorf("%d erased, want %d", n, want)
		}
	}
}

// Nobody knows what is erased when the bucket cannot be read, and that is said.
func TestABucketThatIsAwayIsAnError(t *testing.T) {
	t.Parallel()
	client, name := bucket(t)
	if _, err := erasures.New(client, name+"x", key, 0).Current(t.Context()); err == nil {
		t.Error("a bucket that does not exist has no erasures")
	}
}
