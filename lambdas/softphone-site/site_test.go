package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/earshot-hq/earshot/internal/buckets"
	"github.com/earshot-hq/earshot/internal/customresource"
	"github.com/earshot-hq/earshot/internal/s3conn"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// world is a cell's artifact bucket with two versions, and a tenant's bucket.
type world struct {
	slug     slug.Slug
	sites    *Sites
	provider customresource.Provider
	bucket   string
}

func setup(t *testing.T) *world {
	t.Helper()
	client := s3conn.Open(testenv.AWS(t))
	w := &world{slug: testenv.Slug(t)}
	w.bucket = w.slug.ResourcePrefix() + "sitebucket-x"
	w.sites = &Sites{S3: client, Artifacts: "artifacts-" + w.slug.String()}
	w.provider = customresource.Provider{Suffix: "site", Apply: w.sites.Apply}
	ctx := context.WithoutCancel(t.Context())
	for _, bucket := range []string{w.bucket, w.sites.Artifacts} {
		if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{
			Bucket: &bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: testenv.Region},
		}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = buckets.Delete(ctx, client, bucket) })
	}
	page := "<html><head>" + placeholder + "</head></html>"
	w.upload(t, "v1/site/", map[string]string{
		"index.html": page, "config.json": "{}", "assets/index-D7f3kQ2x.js": "1", "assets/old-AAAAAAAA.css": "1", "ring.mp3": "1",
	})
	w.upload(t, "v2/site/", map[string]string{"index.html": page, "assets/index-E8g4lR3y.js": "2", "ring.mp3": "2"})
	w.upload(t, "v3/lambdas/", map[string]string{"probe.zip": "x"})
	w.upload(t, "v4/site/", map[string]string{"index.html": "<html></html>"})
	return w
}

func (w *world) upload(t *testing.T, prefix string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		key := prefix + name
		_, err := w.sites.S3.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: &w.sites.Artifacts, Key: &key, Body: bytes.NewReader([]byte(content)),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ask sends a custom-resource request and returns CloudFormation's answer.
func (w *world) ask(t *testing.T, kind cfn.RequestType, change map[string]any) cfn.Response {
	t.Helper()
	var answer cfn.Response
	cloud := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
			t.Error(err)
		}
	}))
	defer cloud.Close()
	properties := map[string]any{
		"ServiceToken": "arn:x", "Slug": w.slug.String(), "DisplayName": `Acme "Care" <script>`, "Bucket": w.bucket, "ArtifactVersion": "v1",
		"TelemetryApi":     "http://abc.execute-api.localhost:4566/v1",
		"ConnectInstances": `[{"alias":"acme","region":"eu-central-1","ccpUrl":"https://acme.my.connect.aws/ccp-v2","samlUrl":""}]`,
		"Region":           "eu-central-1", "SiteOrigin": "http://d1.cloudfront.localhost:4566", "MediaOwner": "frame",
	}
	maps.Copy(properties, change)
	err := w.provider.Serve(t.Context(), cfn.Event{
		RequestType: kind, RequestID: "r", ResponseURL: cloud.URL, LogicalResourceID: "Site",
		StackID: "arn:aws:cloudformation:eu-central-1:0:stack/" + w.slug.StackName() + "/1", ResourceProperties: properties,
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func (w *world) names(t *testing.T) []string {
	t.Helper()
	names, err := w.sites.list(t.Context(), w.bucket, "")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func (w *world) read(t *testing.T, name string) (content, contentType, cacheControl string) {
	t.Helper()
	object, err := w.sites.S3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &w.bucket, Key: &name})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = object.Body.Close() }()
	text, err := io.ReadAll(object.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), *object.ContentType, *object.CacheControl
}

func TestPublishUpdateDelete(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 2 {
		if got := w.ask(t, cfn.RequestCreate, nil); got.Status != cfn.StatusSuccess {
			t.Fatalf("answered %+v", got)
		}
	}
	want := []string{"assets/index-D7f3kQ2x.js", "assets/old-AAAAAAAA.css", "config.json", "index.html", "ring.mp3"}
	if got := w.names(t); !slices.Equal(got, want) {
		t.Errorf("published %v", got)
	}
	for name, want := range map[string][2]string{
		"assets/index-D7f3kQ2x.js": {"text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"assets/old-AAAAAAAA.css":  {"text/css; charset=utf-8", "public, max-age=31536000, immutable"},
		"config.json":              {"application/json", "no-cache"},
		"index.html":               {"text/html; charset=utf-8", "no-cache"},
		"ring.mp3":                 {"audio/mpeg", "no-cache"},
	} {
		if _, kind, cache := w.read(t, name); kind != want[0] || cache != want[1] {
			t.Errorf("%s is %q, %q", name, kind, cache)
		}
	}
	page, _, _ := w.read(t, "index.html")
	if !strings.Contains(page, "frame-src https://acme.my.connect.aws;") || strings.Contains(page, placeholder) {
		t.Errorf("the page is %s", page)
	}
	text, _, _ := w.read(t, "config.json")
	var config siteConfig
	if err := json.Unmarshal([]byte(text), &config); err != nil || config.DisplayName != `Acme "Care" <script>` ||
		config.ArtifactVersion != "v1" || len(config.ConnectInstances) != 1 || strings.Contains(text, "<script>") {
		t.Errorf("config.json is %s, %v", text, err)
	}
	if got := w.ask(t, cfn.RequestUpdate, map[string]any{"ArtifactVersion": "v2"}); got.Status != cfn.StatusSuccess {
		t.Fatalf("answered %+v", got)
	}
	if got := w.names(t); !slices.Equal(got, []string{"assets/index-E8g4lR3y.js", "config.json", "index.html", "ring.mp3"}) {
		t.Errorf("after the update: %v", got)
	}
	for range 2 {
		if got := w.ask(t, cfn.RequestDelete, nil); got.Status != cfn.StatusSuccess {
			t.Fatalf("answered %+v", got)
		}
		if got := w.names(t); len(got) != 0 {
			t.Errorf("after the delete: %v", got)
		}
	}
}

// The library comes from the operator, and is the one that the cell names or none.
func TestRTCLibrary(t *testing.T) {
	t.Parallel()
	w := setup(t)
	sum := sha256.Sum256([]byte("library"))
	w.sites.RTCScriptSHA256 = hex.EncodeToString(sum[:])
	source := "assets/connect-rtc-" + w.sites.RTCScriptSHA256[:16] + ".js"
	page := map[string]any{"MediaOwner": "page"}
	if got := w.ask(t, cfn.RequestCreate, page); got.Status != cfn.StatusFailed {
		t.Errorf("without the file: %+v", got)
	}
	w.upload(t, "rtc/", map[string]string{w.sites.RTCScriptSHA256 + ".js": "another"})
	if got := w.ask(t, cfn.RequestCreate, page); got.Status != cfn.StatusFailed || !strings.Contains(got.Reason, "not the one") {
		t.Errorf("with another: %+v", got)
	}
	w.upload(t, "rtc/", map[string]string{w.sites.RTCScriptSHA256 + ".js": "library"})
	if got := w.ask(t, cfn.RequestUpdate, page); got.Status != cfn.StatusSuccess {
		t.Fatalf("answered %+v", got)
	}
	if text, kind, cache := w.read(t, source); text != "library" || kind != "text/javascript; charset=utf-8" || cache != once {
		t.Errorf("%s is %q, %q, %q", source, text, kind, cache)
	}
	text, _, _ := w.read(t, "config.json")
	var config siteConfig
	want := script{Source: source, Integrity: "sha256-" + base64.StdEncoding.EncodeToString(sum[:])}
	if err := json.Unmarshal([]byte(text), &config); err != nil || config.RTCScript == nil || *config.RTCScript != want {
		t.Errorf("config.json is %s, %v", text, err)
	}
	if got := w.ask(t, cfn.RequestUpdate, nil); got.Status != cfn.StatusSuccess || slices.Contains(w.names(t), source) {
		t.Errorf("for a frame that owns the media the library stays: %v, %+v", w.names(t), got)
	}
}

func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, test := range map[string]struct {
		change map[string]any
		want   string
	}{
		"a version that is not there":     {map[string]any{"ArtifactVersion": "v9"}, "no site"},
		"a version without a site":        {map[string]any{"ArtifactVersion": "v3"}, "no site"},
		"a page without a place":          {map[string]any{"ArtifactVersion": "v4"}, "no place"},
		"no version":                      {map[string]any{"ArtifactVersion": ""}, "no version"},
		"a path":                          {map[string]any{"ArtifactVersion": "v1/site"}, "no version"},
		"another tenant's bucket":         {map[string]any{"Bucket": "earshot-beta-sitebucket-x"}, "not the tenant's"},
		"the cell's bucket":               {map[string]any{"Bucket": w.sites.Artifacts}, "not the tenant's"},
		"a bucket that is not there":      {map[string]any{"Bucket": w.bucket + "y"}, "NoSuchBucket"},
		"instances that are no JSON":      {map[string]any{"ConnectInstances": "x"}, "ConnectInstances"},
		"an API that is no address":       {map[string]any{"TelemetryApi": "abc"}, "telemetry API"},
		"an API that ends the directive":  {map[string]any{"TelemetryApi": "https://a;script-src *"}, "telemetry API"},
		"a property of a newer template":  {map[string]any{"Locale": "de"}, "Locale"},
		"a CCP that ends the attribute":   {instances(`https://a\">x/ccp-v2`), "connect instance"},
		"a CCP of another kind of source": {instances(`data:text/html,x`), "connect instance"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := w.ask(t, cfn.RequestCreate, test.change)
			if got.Status != cfn.StatusFailed || !strings.Contains(got.Reason, test.want) {
				t.Errorf("answered %+v", got)
			}
			if got.PhysicalResourceID != w.slug.StackName()+"/site" {
				t.Errorf("physical id %s", got.PhysicalResourceID)
			}
		})
	}
}

func instances(ccpURL string) map[string]any {
	return map[string]any{"ConnectInstances": `[{"alias":"x","ccpUrl":"` + ccpURL + `"}]`}
}

func TestDeleteOfWhatNeverWas(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, change := range map[string]map[string]any{
		"a bucket that is gone":        {"Bucket": w.bucket + "y"},
		"another tenant's bucket":      {"Bucket": "earshot-beta-sitebucket-x"},
		"properties that nobody takes": {"Locale": "de", "Bucket": 7},
	} {
		if got := w.ask(t, cfn.RequestDelete, change); got.Status != cfn.StatusSuccess {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// The site that is built from this repository is one that can be published: nothing inline, which the policy would stop, and the
// place for it; and what its page refers to is there.
func TestTheRepositorysSite(t *testing.T) {
	t.Parallel()
	site := os.DirFS(filepath.Join(testenv.Artifacts(t), "site"))
	page, err := fs.ReadFile(site, indexName)
	if err != nil {
		t.Fatal(err)
	}
	csp, err := policy(siteConfig{TelemetryAPI: "https://abc.execute-api.eu-central-1.amazonaws.com/v1"})
	if err != nil {
		t.Fatal(err)
	}
	published, err := withPolicy(page, csp)
	if err != nil {
		t.Fatal(err)
	}
	text := string(published)
	for _, inline := range []string{"<style", " style=", " onclick=", "<script>", "javascript:", "http://", "https://fonts"} {
		if strings.Contains(text, inline) {
			t.Errorf("the page holds %q", inline)
		}
	}
	for _, named := range regexp.MustCompile(`(?:src|href)="\./([^"]+)"`).FindAllStringSubmatch(text, -1) {
		if _, err := fs.Stat(site, named[1]); err != nil {
			t.Error(err)
		}
		if strings.HasPrefix(named[1], "assets/") && cacheControl(named[1]) != once {
			t.Errorf("%s is not kept for good", named[1])
		}
	}
	if strings.Index(text, "Content-Security-Policy") > strings.Index(text, "<script") {
		t.Error("the policy comes after a script")
	}
	if _, err := fs.Stat(site, configName); !errors.Is(err, fs.ErrNotExist) {
		t.Error("config.json is the tenant's, not the site's")
	}
}
