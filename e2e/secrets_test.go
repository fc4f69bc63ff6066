package e2e_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/slug"
)

// marks stand where secrets are in what browsers send, plain and in base64, whatever stands before them.
func marks() []string {
	found := []string{samplecall.Mark, "SECRET-"}
	for _, mark := range []string{samplecall.Mark, "SECRET-"} {
		for before := range 3 {
			coded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("-", before) + mark))
			found = append(found, strings.TrimRight(coded, "=")[[]int{0, 2, 3}[before]:len(strings.TrimRight(coded, "="))-1])
		}
	}
	return found
}

// TestNoSecretIsKept runs when all others have: then it sends the bodies that are full of marked secrets, whole and broken, and
// looks for the marks in everything that the whole run has left anywhere.
func TestNoSecretIsKept(t *testing.T) {
	t.Parallel()
	together.Wait()
	w, tenants := neighbours(t)
	own, other := belongingsOf(t, w, tenants[acme]), belongingsOf(t, w, tenants[acmeeu])
	release := w.Hold(t, acme)
	agent := fmt.Sprintf("keeps.secrets.%d", time.Now().UnixNano())
	accepted := sendSecrets(t, w, tenants[acme], agent)
	if accepted < 5 {
		t.Errorf("only %d bodies were accepted", accepted)
	}
	places := map[string]string{}
	waiting := w.Waiting(t, own.outputs["QueueUrl"])
	if len(waiting) < accepted {
		t.Errorf("%d messages wait of %d accepted bodies", len(waiting), accepted)
	}
	for i, message := range waiting {
		places[fmt.Sprintf("message %d of the queue", i)] = world.Open(t, message)
	}
	misdeliver(t, w, aws.ToString(waiting[0].Body), other)
	release()
	world.Eventually(t, world.ArriveTime, "the queue to be empty", func(ctx context.Context) (bool, string) {
		n := w.Length(ctx, t, own.outputs["QueueUrl"])
		return n == 0, fmt.Sprint(n)
	})
	if n := w.Count(t.Context(), t, acme.IndexPattern(), world.AgentIs(agent)); n == 0 {
		t.Error("nothing of it was indexed")
	}
	if n := w.Count(t.Context(), t, acmeeu.IndexPattern(), world.AgentIs(agent)); n != 0 {
		t.Errorf("%d documents of a misdelivered message are the neighbour's", n)
	}
	for _, of := range []belongings{own, other} {
		for i, letter := range w.Waiting(t, of.outputs["DeadLetterQueueUrl"]) {
			places[fmt.Sprintf("dead letter %d of %s", i, of.slug)] = world.Open(t, letter)
		}
		objects(t, w, of.outputs["DataBucket"], places)
	}
	isArchived := false
	for place, text := range places {
		isArchived = isArchived || strings.HasPrefix(place, "object archive/") && strings.Contains(text, agent)
	}
	if !isArchived {
		t.Error("nothing of it was archived")
	}
	logs, kept := w.Logs(t), rows(t, w)
	for _, all := range []map[string]string{logs, kept, documents(t, w)} {
		for place, text := range all {
			places[place] = text
		}
	}
	for place, text := range places {
		seek(t, place, text, marks())
	}
	keys := keysOf(t, w)
	for _, all := range []map[string]string{logs, kept} {
		for place, text := range all {
			seek(t, place, text, keys)
			if token := regexp.MustCompile(`eyJ[\w-]{10,}\.eyJ[\w-]{10,}`).FindString(text); token != "" {
				t.Errorf("%s holds a token: %.40s...", place, token)
			}
		}
	}
}

// seek wants none of the words in a text.
func seek(t *testing.T, place, text string, words []string) {
	t.Helper()
	for _, word := range words {
		if at := strings.Index(text, word); at >= 0 {
			t.Errorf("%s holds %.12s...: %q", place, word, text[max(0, at-100):min(len(text), at+60)])
		}
	}
}

// sendSecrets posts each recorded body that holds a mark, whole, packed, cut, packed and cut, as the wrong kind and under another
// origin, and returns how many were accepted. No answer may hold a mark.
func sendSecrets(t *testing.T, w *world.World, tenant world.Tenant, agent string) (accepted int) {
	t.Helper()
	files, err := filepath.Glob("../internal/telemetry/testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(raw), samplecall.Mark) && !strings.Contains(string(raw), "SECRET-") {
			continue
		}
		sent++
		body := today(string(raw), agent)
		route, wrong := "softphonemetrics", "callreport"
		if strings.HasPrefix(filepath.Base(name), "callreport") {
			route, wrong = wrong, route
		}
		for _, one := range []struct {
			route, origin string
			body          []byte
		}{
			{route, tenant.Origin(), body},
			{route, tenant.Origin(), zipped(body)},
			{route, tenant.Origin(), body[:len(body)*2/3]},
			{route, tenant.Origin(), zipped(body)[:len(zipped(body))/2]},
			{route, tenant.Origin(), []byte("[" + string(body) + "]")},
			{route, tenant.Origin(), []byte(strings.Replace(string(body), "{", `{"NaN":NaN,`, 1))},
			{wrong, tenant.Origin(), body},
			{"apimetrics", tenant.Origin(), body},
			{route, "https://stranger.example", body},
			{"nope", tenant.Origin(), body},
		} {
			status, header, answer := world.Send(t, tenant.API()+"/"+one.route, one.origin, one.body)
			seek(t, "an answer", fmt.Sprint(header)+string(answer), marks())
			if status == http.StatusAccepted || status == http.StatusMultiStatus {
				accepted++
			}
		}
	}
	if sent < 5 {
		t.Errorf("only %d recorded bodies hold a mark", sent)
	}
	return accepted
}

var instant = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)

// today moves the instants of a recorded body so that the last is a minute old, and makes it an agent's.
func today(body, agent string) []byte {
	var last time.Time
	for _, text := range instant.FindAllString(body, -1) {
		if at, err := time.Parse(time.RFC3339, text); err == nil && at.After(last) && at.Year() < 2030 {
			last = at
		}
	}
	shift := time.Since(last) - time.Minute
	body = instant.ReplaceAllStringFunc(body, func(text string) string {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return text
		}
		return at.Add(shift).UTC().Format("2006-01-02T15:04:05.000Z")
	})
	return []byte(regexp.MustCompile(`"agent": *"[^"]*"`).ReplaceAllString(body, `"agent":"`+agent+`"`))
}

// misdeliver puts one tenant's message into the other's queue, and waits until it is set aside there.
func misdeliver(t *testing.T, w *world.World, body string, to belongings) {
	t.Helper()
	before := w.Length(t.Context(), t, to.outputs["DeadLetterQueueUrl"])
	if _, err := sqs.NewFromConfig(w.AWS()).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(to.outputs["QueueUrl"]), MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
	world.Eventually(t, world.ArriveTime, "the foreign message to be set aside", func(ctx context.Context) (bool, string) {
		n := w.Length(ctx, t, to.outputs["DeadLetterQueueUrl"])
		return n > before, fmt.Sprint(n)
	})
}

// objects reads all that a bucket has, unpacked where it is packed.
func objects(t *testing.T, w *world.World, bucket string, places map[string]string) {
	t.Helper()
	client := world.S3(w.AWS())
	var found []types.Object
	for pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, page.Contents...)
	}
	for _, object := range found {
		got, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: object.Key})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = got.Body.Close()
		if zip, err := gzip.NewReader(bytes.NewReader(raw)); err == nil {
			if raw, err = io.ReadAll(zip); err != nil {
				t.Fatal(err)
			}
		}
		places["object "+*object.Key+" of "+bucket] = string(raw)
	}
}

// documents reads every document of every index, hidden ones too.
func documents(t *testing.T, w *world.World) map[string]string {
	t.Helper()
	texts := map[string]string{}
	_, raw := w.Search(t.Context(), t, http.MethodGet, "/_all/_settings?expand_wildcards=all", nil)
	for index := range world.Decode(t, raw) {
		if index == ".opendistro_security" { // users and roles: hashes, nothing that was sent
			continue
		}
		status, all := w.Search(t.Context(), t, http.MethodGet, "/"+index+"/_search?size=10000&track_total_hits=true", nil)
		total, _ := world.Member(world.Decode(t, all), "hits", "total", "value").(float64)
		if status != http.StatusOK || total > 10_000 {
			t.Fatalf("index %s: %d, %v documents", index, status, total)
		}
		_, mapping := w.Search(t.Context(), t, http.MethodGet, "/"+index+"/_mapping", nil)
		texts["index "+index] = string(all) + string(mapping)
	}
	return texts
}

// keysOf are the passwords and the token of this run.
func keysOf(t *testing.T, w *world.World) []string {
	t.Helper()
	keys := []string{w.Token(), w.AdminUser.Password, w.OpenSearch.Password}
	for _, s := range []slug.Slug{acme, acmeeu} {
		keys = append(keys, w.Password(t, s.SecretPrefix()+"writer").Password, w.Password(t, s.SecretPrefix()+"reader").Password)
	}
	worker, err := w.Worker(t).Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(w.Postgres, "://")
	_, rest, _ = strings.Cut(rest, ":")
	database, _, _ := strings.Cut(rest, "@")
	return append(keys, worker.SecretAccessKey, database)
}
