package agentstore_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/agentstore"
	"github.com/earshot-hq/earshot/internal/testenv"
)

const arn = "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-00000000acbe"

func directory(usernames ...string) *agents.Directory {
	d := &agents.Directory{InstanceARN: arn, TakenAt: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	for i, username := range usernames {
		d.Agents = append(d.Agents, agents.Agent{Username: username, ID: fmt.Sprint(i), Group: -1, RoutingProfile: -1})
	}
	return d
}

type world struct {
	agentstore.Writer
	account aws.Config
	bucket  string
	s3      *s3.Client
	log     *logged
}

// logged is a log that two goroutines may use.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func setup(t *testing.T) world {
	t.Helper()
	account, bucket := testenv.AWS(t), "directory-"+string(testenv.Slug(t))
	w := world{
		Writer: agentstore.NewWriter(account, bucket), account: account, bucket: bucket, log: &logged{},
		s3: s3.NewFromConfig(account, func(o *s3.Options) { o.UsePathStyle = true }),
	}
	if _, err := w.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &w.bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: testenv.Region},
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

// cache returns a cache that looks again whenever it is asked, and waits for its first look.
func (w world) cache(t *testing.T, refresh time.Duration, aliases ...string) *agentstore.Cache {
	t.Helper()
	c, err := agentstore.NewCache(w.account, agentstore.Settings{
		Bucket: w.bucket, Aliases: append(aliases, "none"), Directories: list(t, aliases...), Refresh: refresh, Again: time.Nanosecond, Patience: time.Minute,
	}, slog.New(slog.NewJSONHandler(w.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (w world) put(t *testing.T, alias string, text []byte) {
	t.Helper()
	_, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &w.bucket, Key: aws.String(agents.ObjectKey(alias)), Body: bytes.NewReader(text),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func knows(b agents.Book, alias, username string) bool {
	found := b.Find(alias, username)
	return found.Known != nil && *found.Known
}

// refreshed has the cache look, and returns the book after that. A look that is under way may have begun too early.
func refreshed(ctx context.Context, c *agentstore.Cache) agents.Book {
	c.Close()
	c.Book(ctx)
	c.Close()
	return c.Book(ctx)
}

func TestCacheHasWhatWasPut(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for alias, username := range map[string]string{"acme": "mira.holm", "leeds": "ada.abara"} {
		if err := w.Put(t.Context(), alias, directory(username)); err != nil {
			t.Fatal(err)
		}
	}
	c := w.cache(t, time.Hour, "acme", "leeds")
	book := c.Book(t.Context())
	if !knows(book, "acme", "mira.holm") || !knows(book, "leeds", "ada.abara") || knows(book, "acme", "ada.abara") || book.Find("none", "x").Known != nil {
		t.Errorf("%v", book)
	}
	head, err := w.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &w.bucket, Key: aws.String("directory/acme.json")})
	if err != nil || head.Metadata["agents"] != "1" || head.Metadata["taken-at"] != "2026-11-24T09:00:00Z" || head.Metadata["v"] != "1" {
		t.Errorf("%v, %v", head.Metadata, err)
	}
}

// A second look takes what is new, and asks for nothing that is as it was.
func TestCacheIsRefreshed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if err := w.Put(t.Context(), "acme", directory("mira.holm")); err != nil {
		t.Fatal(err)
	}
	c := w.cache(t, time.Nanosecond, "acme")
	refreshed(t.Context(), c)
	if got := strings.Count(w.log.String(), "agent directory refreshed"); got != 1 {
		t.Errorf("taken %d times, though it never changed", got)
	}
	if err := w.Put(t.Context(), "acme", directory("ines.costa")); err != nil {
		t.Fatal(err)
	}
	if book := refreshed(t.Context(), c); !knows(book, "acme", "ines.costa") || knows(book, "acme", "mira.holm") {
		t.Error("the new directory is not in use")
	}
	c = w.cache(t, time.Hour, "acme")
	c.Book(t.Context())
	if err := w.Put(t.Context(), "acme", directory("mira.holm")); err != nil {
		t.Fatal(err)
	}
	if book := refreshed(t.Context(), c); knows(book, "acme", "mira.holm") {
		t.Error("it was asked for before it was due")
	}
}

// A function starts before the tenant's first directory is written: it does not go without for as long as one is used.
func TestAMissingDirectoryIsLookedForSooner(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cache(t, time.Hour, "acme")
	if book := c.Book(t.Context()); book.Find("acme", "mira.holm").Known != nil {
		t.Error("there is a directory already")
	}
	if err := w.Put(t.Context(), "acme", directory("mira.holm")); err != nil {
		t.Fatal(err)
	}
	if book := refreshed(t.Context(), c); !knows(book, "acme", "mira.holm") {
		t.Error("it is not looked for")
	}
}

// Whatever becomes of the object, the last good directory is used, the log says so, and nobody is told a stranger.
func TestCacheSurvivesWhatBecomesOfTheObject(t *testing.T) {
	t.Parallel()
	good, err := directory("mira.holm").Marshal()
	if err != nil {
		t.Fatal(err)
	}
	tooMany := make([]string, agents.MaxAgents)
	for i := range tooMany {
		tooMany[i] = fmt.Sprint("agent", i)
	}
	crowd, err := directory(tooMany...).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]struct {
		text   []byte // nil: there is none
		reason string
	}{
		"missing":       {nil, "missing"},
		"truncated":     {good[:len(good)-3], "damaged"},
		"empty":         {[]byte{}, "damaged"},
		"no directory":  {[]byte(`<html>`), "damaged"},
		"newer version": {bytes.Replace(good, []byte(`"v":1`), []byte(`"v":2`), 1), "version"},
		"no room":       {crowd, "too_large"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.put(t, "leeds", good) // takes the room of one
			if row.text != nil {
				w.put(t, "acme", row.text)
			}
			fresh := w.cache(t, time.Hour, "leeds", "acme").Book(t.Context())
			if found := fresh.Find("acme", "mira.holm"); found.Known != nil || !strings.Contains(w.log.String(), `"reason":"`+row.reason+`"`) {
				t.Errorf("at first: %+v, %s", found, w.log)
			}
			w = setup(t)
			w.put(t, "leeds", good)
			w.put(t, "acme", good)
			c := w.cache(t, time.Nanosecond, "leeds", "acme")
			c.Book(t.Context())
			c.Close()
			if row.text == nil {
				if _, err := w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &w.bucket, Key: aws.String(agents.ObjectKey("acme"))}); err != nil {
					t.Fatal(err)
				}
			} else {
				w.put(t, "acme", row.text)
			}
			if book := refreshed(t.Context(), c); !knows(book, "acme", "mira.holm") || !strings.Contains(w.log.String(), `"reason":"`+row.reason+`"`) {
				t.Errorf("later: %s", w.log)
			}
		})
	}
}

// A bucket that does not answer holds up a request for as long as the patience lasts, once; nobody waits for a later look.
func TestBookWaitsForTheFirstLookOnly(t *testing.T) {
	t.Parallel()
	stuck, release := make(chan struct{}), make(chan struct{})
	account := aws.Config{
		Region: testenv.Region, BaseEndpoint: aws.String("http://127.0.0.1:1"), HTTPClient: blocked{stuck, release}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	}
	c, err := agentstore.NewCache(account, agentstore.Settings{
		Bucket: "b", Aliases: []string{"acme"}, Directories: list(t, "acme"), Refresh: time.Hour, Patience: time.Millisecond,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	<-stuck
	if book := c.Book(t.Context()); book.Find("acme", "mira.holm").Known != nil {
		t.Error("something is known of a directory that never came")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.Book(ctx)
	close(release)
	c.Close()
}

// An agent who is erased is in no version of any object, and the others are where they were.
func TestRemoveTakesAnAgentOutOfEveryVersion(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if _, err := w.s3.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &w.bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	for alias, versions := range map[string][][]string{
		"acme": {{"mira.holm", "jo.lund"}, {"jo.lund", "mira.holm", "ines.costa"}}, "before": {{"mira.holm", "jo.lund"}, {"jo.lund"}},
		"alone": {{"mira.holm"}}, "other": {{"jo.lund"}},
	} {
		for _, usernames := range versions {
			if err := w.Put(t.Context(), alias, directory(usernames...)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.PutStatus(t.Context(), agents.Status{Alias: alias}); err != nil {
			t.Fatal(err)
		}
	}
	aliases, err := w.Aliases(t.Context())
	if err != nil || strings.Join(aliases, " ") != "acme alone before other" {
		t.Fatalf("directories of %v, %v", aliases, err)
	}
	for _, want := range []map[string]int{{"acme": 1, "alone": 1, "before": 0, "other": 0}, {"acme": 0, "alone": 0, "before": 0, "other": 0}} {
		for alias, n := range want {
			if removed, err := w.Remove(t.Context(), alias, "mira.holm"); err != nil || removed != n {
				t.Errorf("%s: removed %d, %v, want %d", alias, removed, err, n)
			}
		}
	}
	page, err := w.s3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &w.bucket})
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]string{}
	for _, version := range page.Versions {
		object, err := w.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &w.bucket, Key: version.Key, VersionId: version.VersionId})
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(object.Body)
		if err != nil || bytes.Contains(text, []byte("mira.holm")) {
			t.Errorf("%s holds %s, %v", *version.Key, text, err)
		}
		if d, err := agents.Parse(text); err == nil {
			left[*version.Key] += fmt.Sprint(len(d.Agents))
		}
	}
	if want := map[string]string{"directory/acme.json": "2", "directory/before.json": "1", "directory/other.json": "1"}; !maps.Equal(left, want) || len(page.DeleteMarkers) > 0 {
		t.Errorf("left are %v and %d markers", left, len(page.DeleteMarkers))
	}
}
