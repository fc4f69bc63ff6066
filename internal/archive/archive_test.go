package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/earshot-hq/earshot/internal/archive"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// made returns an empty bucket with versions, as a tenant's data bucket is.
func made(t *testing.T) (*s3.Client, string) {
	t.Helper()
	client := s3.NewFromConfig(testenv.AWS(t), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := "archive-" + testenv.Slug(t).String()
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: testenv.Region},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, bucket
}

var nine = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func received(kind string, at time.Time, ids ...string) telemetry.Envelope {
	e := telemetry.Envelope{V: telemetry.EnvelopeVersion, Kind: kind, Tenant: "acme", Ingest: telemetry.Ingest{ReceivedAt: telemetry.InstantOf(at)}}
	for _, id := range ids {
		e.Records = append(e.Records, telemetry.Record{ID: id, At: telemetry.InstantOf(at), Doc: json.RawMessage(`{"agent":"` + id[:1] + `"}`)})
	}
	return e
}

// stored returns the versions in the bucket, as keys.
func stored(t *testing.T, client *s3.Client, bucket string) (keys []string) {
	t.Helper()
	page, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range page.Versions {
		keys = append(keys, *v.Key)
	}
	for _, m := range page.DeleteMarkers {
		keys = append(keys, "deleted "+*m.Key)
	}
	return keys
}

func keep(t *testing.T, a *archive.Archive, envelopes ...telemetry.Envelope) {
	t.Helper()
	for _, err := range a.Keep(t.Context(), envelopes) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the ids of the records in the objects with these keys.
func read(t *testing.T, a *archive.Archive, keys ...string) (ids []string) {
	t.Helper()
	for _, key := range keys {
		for e, err := range a.Read(t.Context(), key) {
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range e.Records {
				ids = append(ids, r.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func TestOneObjectAKindAndHour(t *testing.T) {
	t.Parallel()
	client, bucket := made(t)
	a := archive.New(client, bucket)
	batch := []telemetry.Envelope{
		received(telemetry.KindAPIMetric, nine, "a1", "a2"), received(telemetry.KindAPIMetric, nine.Add(59*time.Minute), "b1"),
		received(telemetry.KindAPIMetric, nine.Add(time.Hour), "c1"), received(telemetry.KindCallReport, nine, "d1"),
	}
	keep(t, a, batch...)
	var folders []string
	for _, key := range stored(t, client, bucket) {
		folders = append(folders, key[:strings.LastIndex(key, "/")])
	}
	slices.Sort(folders)
	if want := []string{"archive/apimetric/2026-11-24T09", "archive/apimetric/2026-11-24T10", "archive/softphonecallreport/2026-11-24T09"}; !slices.Equal(folders, want) {
		t.Errorf("objects in %v, want %v", folders, want)
	}
	slices.Reverse(batch)
	keep(t, a, batch...)
	if n := len(stored(t, client, bucket)); n != 3 {
		t.Errorf("%d versions after the same batch came again", n)
	}
	keys, err := a.Keys(t.Context(), telemetry.KindAPIMetric, nine, nine.Add(2*time.Hour), "", 10)
	if got := read(t, a, keys...); err != nil || !slices.Equal(got, []string{"a1", "a2", "b1", "c1"}) {
		t.Errorf("read %v, %v", got, err)
	}
}

func TestEnvelopesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	client, bucket := made(t)
	a := archive.New(client, bucket)
	want := received(telemetry.KindCallReport, nine, "a1", "a2")
	pages, skew := int64(2), int64(-7)
	want.ConnectInstance, want.Ingest.OpenPages, want.Ingest.SkewMillis, want.Ingest.BatchID = "main", &pages, &skew, "b"
	want.Records[0].Doc = json.RawMessage(`{"agent":"שלום\u0000","n":1e400}`)
	keep(t, a, want)
	before, _ := want.Marshal()
	for got, err := range a.Read(t.Context(), stored(t, client, bucket)[0]) {
		if err != nil {
			t.Fatal(err)
		}
		if after, err := got.Marshal(); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s became %s, %v", before, after, err)
		}
	}
}

func TestKeysAreOfTheHoursAskedFor(t *testing.T) {
	t.Parallel()
	client, bucket := made(t)
	a := archive.New(client, bucket)
	for hour := range 5 {
		keep(t, a, received(telemetry.KindAPIMetric, nine.Add(time.Duration(hour)*time.Hour), fmt.Sprintf("%dx", hour)))
		keep(t, a, received(telemetry.KindAPIMetric, nine.Add(time.Duration(hour)*time.Hour+time.Minute), fmt.Sprintf("%dy", hour)))
	}
	tests := []struct {
		name     string
		from, to time.Duration
		want     string
	}{
		{"all", -time.Hour, 10 * time.Hour, "[0x 0y 1x 1y 2x 2y 3x 3y 4x 4y]"},
		{"some", time.Hour, 3 * time.Hour, "[1x 1y 2x 2y]"},
		{"within hours", 90 * time.Minute, 2*time.Hour + time.Millisecond, "[1x 1y 2x 2y]"},
		{"none", 10 * time.Hour, 11 * time.Hour, "[]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var keys []string
			after := ""
			for {
				page, err := a.Keys(t.Context(), telemetry.KindAPIMetric, nine.Add(test.from), nine.Add(test.to), after, 3)
				if err != nil {
					t.Fatal(err)
				}
				if keys = append(keys, page...); len(page) < 3 {
					break
				}
				after = page[2]
			}
			if got := fmt.Sprint(read(t, a, keys...)); got != test.want || !slices.IsSorted(keys) {
				t.Errorf("read %s, want %s, in the order of %v", got, test.want, keys)
			}
		})
	}
}

// A bucket that takes one kind only must not make the others look kept.
func TestWhatTheBucketRefusesIsNamed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if strings.Contains(r.URL.Path, telemetry.KindCallReport) {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(server.Close)
	client := s3.New(s3.Options{
		Region: testenv.Region, BaseEndpoint: &server.URL, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
	failed := archive.New(client, "b").Keep(t.Context(), []telemetry.Envelope{
		received(telemetry.KindAPIMetric, nine, "a1"), received(telemetry.KindCallReport, nine, "b1"), received(telemetry.KindAPIMetric, nine, "c1"),
	})
	if len(failed) != 3 || failed[0] != nil || failed[1] == nil || failed[2] != nil {
		t.Errorf("got %v", failed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if failed := archive.New(client, "b").Keep(ctx, []telemetry.Envelope{received(telemetry.KindAPIMetric, nine, "a1")}); failed[0] == nil {
		t.Error("kept without time")
	}
}

func TestWhatIsNotWholeIsAnError(t *testing.T) {
	t.Parallel()
	client, bucket := made(t)
	a := archive.New(client, bucket)
	keep(t, a, received(telemetry.KindAPIMetric, nine, "a1", "a2"))
	whole, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: aws.String(stored(t, client, bucket)[0])})
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(whole.Body)
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Clone(content)
	broken[len(broken)-6]++ // the checksum
	for name, body := range map[string][]byte{"empty": nil, "text": []byte("{}\n"), "cut": content[:len(content)-9], "changed": broken} {
		key := "archive/apimetric/2026-11-24T09/" + name
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)}); err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range a.Read(t.Context(), key) {
			last = err
		}
		if !archive.IsDamage(last) {
			t.Errorf("%s: %v", name, last)
		}
	}
	for _, err := range a.Read(t.Context(), "archive/apimetric/2026-11-24T09/absent") {
		if err == nil || archive.IsDamage(err) {
			t.Errorf("absent: %v", err)
		}
	}
}

func TestRemoveLeavesNoOlderVersion(t *testing.T) {
	t.Parallel()
	client, bucket := made(t)
	a := archive.New(client, bucket)
	keep(t, a, received(telemetry.KindAPIMetric, nine, "a1", "b1", "a2"), received(telemetry.KindAPIMetric, nine, "a3"))
	keep(t, a, received(telemetry.KindAPIMetric, nine, "a4"))
	keep(t, a, received(telemetry.KindAPIMetric, nine, "b2"))
	ofA := func(_ telemetry.Envelope, r telemetry.Record) bool { return strings.Contains(string(r.Doc), `"a"`) }
	for _, want := range []int{4, 0} {
		keys, err := a.Keys(t.Context(), telemetry.KindAPIMetric, nine, nine.Add(time.Hour), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		removed := 0
		for _, key := range keys {
			n, err := a.Remove(t.Context(), key, ofA)
			if err != nil {
				t.Fatal(err)
			}
			removed += n
		}
		if removed != want {
			t.Errorf("removed %d records, want %d", removed, want)
		}
		versions := stored(t, client, bucket)
		if got := read(t, a, versions...); !slices.Equal(got, []string{"b1", "b2"}) || len(versions) != 2 {
			t.Errorf("%d versions with %v are left", len(versions), got)
		}
	}
}
