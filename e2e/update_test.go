package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/samplecall"
)

const updateTime = 2 * time.Minute

// An orchard is a tenant whose settings are changed while agents post to it.
type orchard struct {
	*world.World
	world.Tenant
}

// TestSettingsReachAnExistingTenant changes what a tenant's stack carries, through the API, and sees it at the tenant's own
// doors; then it has updates fail, which must leave everything as it was.
func TestSettingsReachAnExistingTenant(t *testing.T) {
	w := setup(t)
	o := orchard{w, w.Onboard(t, world.Draft("orchard"))}
	const first, second = "https://desk.orchard.example", "https://home.orchard.example:8443"

	// One gateway deployment names the tenant's one origin, the other every origin; each change between them needs a new one.
	o.gatewayNames(t, o.Origin())
	o.post(t, http.StatusAccepted, o.Origin())
	t.Run("origins, privacy and name are changed", func(t *testing.T) {
		steps := w.Follow(t, o.patch(t, map[string]any{
			"display_name": "Orchard & Daughters",
			"settings":     map[string]any{"privacy": map[string]any{"ip": "none"}, "softphone_origins": []string{first, second}, "retention_days": 30},
		}), updateTime)
		for _, step := range []string{"update_stack", "await_update", "fill_space", "send_call", "await_call"} {
			if !slices.Contains(steps, step) {
				t.Errorf("the operation told nothing of %s; it told of %v", step, steps)
			}
		}
		o.has(t, "active", "Orchard & Daughters", 30)
		o.gatewayNames(t, "*")
		o.post(t, http.StatusAccepted, o.Origin(), first, second)
		o.post(t, http.StatusForbidden, "https://orchard.example")
		o.keepsNoAddresses(t)
		o.siteNames(t, "Orchard & Daughters")
	})
	t.Run("an origin is removed", func(t *testing.T) {
		w.Follow(t, o.patch(t, map[string]any{"settings": map[string]any{"softphone_origins": []string{second}}}), updateTime)
		o.post(t, http.StatusAccepted, o.Origin(), second)
		o.post(t, http.StatusForbidden, first)
	})
	t.Run("an update that fails is rolled back", func(t *testing.T) {
		before := o.World.Tenant(t, "orchard")
		o.failsAtTheProvider(t, first)
		after := o.World.Tenant(t, "orchard")
		for _, member := range []string{"state", "display_name", "settings", "urls", "stack"} {
			if fmt.Sprint(after[member]) != fmt.Sprint(before[member]) {
				t.Errorf("%s was %v and is %v", member, before[member], after[member])
			}
		}
		o.post(t, http.StatusAccepted, o.Origin(), second)
		o.post(t, http.StatusForbidden, first)
		o.siteNames(t, "Orchard & Daughters")
	})
	t.Run("a rollback that is stuck is continued", o.getsStuck)
	t.Run("all other origins are removed", func(t *testing.T) {
		w.Follow(t, o.patch(t, map[string]any{"settings": map[string]any{"softphone_origins": []string{}}}), updateTime)
		o.gatewayNames(t, o.Origin())
		o.post(t, http.StatusAccepted, o.Origin())
		o.post(t, http.StatusForbidden, second)
	})
	t.Run("it is suspended and resumed", func(t *testing.T) {
		w.Follow(t, o.action(t, "suspend"), updateTime)
		o.has(t, "suspended", "Orchard & Sons", 30)
		o.post(t, http.StatusGone, o.Origin())
		w.Follow(t, o.action(t, "resume"), updateTime)
		o.has(t, "active", "Orchard & Sons", 30)
		o.post(t, http.StatusAccepted, o.Origin())
	})
	t.Run("and the tenant goes as it came", func(t *testing.T) { w.Offboard(t, "orchard", "delete") })
}

// patch asks for a change under the ETag that the tenant has, and returns the operation's id.
func (o orchard) patch(t *testing.T, change map[string]any) string {
	t.Helper()
	const path = "/v1/tenants/orchard"
	_, header, _ := world.Ask(t, http.MethodGet, o.AdminAPI+path, nil, "Authorization", "Bearer "+o.Token())
	if status, answer := o.Call(t, http.MethodPatch, path, change); status != http.StatusPreconditionRequired {
		t.Errorf("without If-Match PATCH answered %d: %v", status, answer)
	}
	status, answer := o.Call(t, http.MethodPatch, path, change, "If-Match", header.Get("ETag"))
	if status != http.StatusAccepted {
		t.Fatalf("PATCH answered %d: %v", status, answer)
	}
	return world.Member(answer, "operation", "id").(string)
}

// action asks for one and returns the operation's id.
func (o orchard) action(t *testing.T, name string) string {
	t.Helper()
	status, answer := o.Call(t, http.MethodPost, "/v1/tenants/orchard/actions/"+name, nil)
	if status != http.StatusAccepted {
		t.Fatalf("%s answered %d: %v", name, status, answer)
	}
	return world.Member(answer, "operation", "id").(string)
}

// has checks what the API shows of the tenant.
func (o orchard) has(t *testing.T, state, name string, retentionDays int) {
	t.Helper()
	got := o.World.Tenant(t, "orchard")
	if got["state"] != state || got["display_name"] != name || world.Member(got, "settings", "retention_days") != float64(retentionDays) {
		t.Errorf("the tenant is %v, want %s, %s and %d days", got, state, name, retentionDays)
	}
}

// keepsNoAddresses waits for the call from before the change and one from after it: the first has the agent's address.
func (o orchard) keepsNoAddresses(t *testing.T) {
	t.Helper()
	o.Drain(t, o.Tenant)
	for agent, want := range map[string]bool{poster: true, "marker.example": false} {
		query := map[string]any{"bool": map[string]any{"filter": []any{
			world.AgentIs(agent), map[string]any{"exists": map[string]any{"field": "doc.agentPublicIp"}},
		}}}
		if n := o.Count(t.Context(), t, "orchard-softphonestreamstats-*", query); (n > 0) != want {
			t.Errorf("%d documents of %s hold an address, want some: %v", n, agent, want)
		}
	}
}

const poster = "ada.orchard"

// post sends a second of a call from pages of these origins.
func (o orchard) post(t *testing.T, want int, origins ...string) {
	t.Helper()
	call := samplecall.New(samplecall.Options{
		Agent: poster, Queue: "Q", RoutingProfile: "R", Start: time.Now().Add(-time.Minute).Truncate(time.Millisecond), Duration: time.Second,
	})
	for _, origin := range origins {
		for _, p := range call.Posts() {
			status, header, answer := world.Send(t, o.API()+"/"+p.Route, origin, p.Body)
			if named := header.Get("Access-Control-Allow-Origin"); status != want || (named == origin) != (want != http.StatusForbidden) {
				t.Errorf("%s from %s answered %d naming %q, want %d: %s", p.Route, origin, status, named, want, answer)
			}
		}
	}
}

// siteNames checks whose softphone the site says that it is.
func (o orchard) siteNames(t *testing.T, want string) {
	t.Helper()
	text, _ := world.Get(t, o.Site()+"config.json")
	if config := world.Decode(t, []byte(text)); config["displayName"] != want {
		t.Errorf("the site is of %v, want %s", config["displayName"], want)
	}
}

// gatewayNames checks which origin may read what the gateway itself refuses.
func (o orchard) gatewayNames(t *testing.T, want string) {
	t.Helper()
	_, header, _ := world.Ask(t, http.MethodPost, o.API()+"/nope", nil, "Origin", o.Origin())
	if got := header.Get("Access-Control-Allow-Origin"); got != want {
		t.Errorf("the gateway's own answers name %q, want %q", got, want)
	}
}

// refused is a resource of a template that reaches for a neighbour, after all else has been changed: the cell's own provider
// refuses it.
const refused = `
  Neighbour:
    Type: Custom::SoftphoneSite
    DependsOn: [SoftphoneSite, ApiStage, IndexerFunction, StreamstatsPusherFunction]
    Properties: {ServiceToken: !Ref SoftphoneSiteProviderArn, ServiceTimeout: 600, Slug: acme, Bucket: !Ref SiteBucket}
`

// failsAtTheProvider asks for an update in which the provider refuses one thing.
func (o orchard) failsAtTheProvider(t *testing.T, origin string) {
	t.Helper()
	cell := o.Outputs(t, "earshotops-cell")
	key := cell["ArtifactVersion"] + "/templates/tenant.yaml"
	template := o.read(t, cell["ArtifactBucket"], key)
	o.write(t, cell["ArtifactBucket"], key, bytes.Replace(template, []byte("\nResources:\n"), []byte("\nResources:"+refused), 1))
	defer o.write(t, cell["ArtifactBucket"], key, template)
	o.fails(t, o.patch(t, map[string]any{
		"display_name": "Not yet", "settings": map[string]any{"softphone_origins": []string{origin}, "media_owner": "page", "index_period": map[string]any{"apimetric": "day"}},
	}), "stack.resource_failed", "Neighbour")
}

func (o orchard) read(t *testing.T, bucket, key string) []byte {
	t.Helper()
	got, err := world.S3(o.AWS()).GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }() // all of it has been read
	content, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// write may be deferred: it is done even when the test is over.
func (o orchard) write(t *testing.T, bucket, key string, content []byte) {
	t.Helper()
	in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(content)}
	if _, err := world.S3(o.AWS()).PutObject(context.WithoutCancel(t.Context()), in); err != nil {
		t.Fatal(err)
	}
}

// ends waits until an operation has ended in a state, and returns it.
func (o orchard) ends(t *testing.T, id, state string) (operation map[string]any) {
	t.Helper()
	world.Eventually(t, updateTime, "the operation has ended", func(context.Context) (bool, string) {
		_, operation = o.Call(t, http.MethodGet, "/v1/operations/"+id, nil)
		return operation["finished_at"] != nil, fmt.Sprint(operation["state"], " at ", operation["step"])
	})
	if operation["state"] != state {
		t.Fatalf("the operation has %v, want %s: %v", operation["state"], state, operation["failure"])
	}
	return operation
}

// fails waits until an operation has failed, and checks what it says.
func (o orchard) fails(t *testing.T, id, code, resource string) {
	t.Helper()
	failure, _ := o.ends(t, id, "failed")["failure"].(map[string]any)
	if failure["code"] != code || failure["resource"] != resource || failure["reason"] == "" {
		t.Errorf("the operation failed with %v, want %s of %s", failure, code, resource)
	}
}

// getsStuck takes the site's files away that the provider publishes, so that it can neither go on nor back.
func (o orchard) getsStuck(t *testing.T) {
	back := o.takeSiteAway(t)
	defer back()
	id := o.patch(t, map[string]any{"display_name": "Orchard & Sons"})
	o.fails(t, id, "stack.stuck", "SoftphoneSite")
	o.has(t, "failed", "Orchard & Daughters", 30)
	back()
	status, answer := o.Call(t, http.MethodPost, "/v1/tenants/orchard/actions/retry", nil)
	if status != http.StatusAccepted || world.Member(answer, "operation", "id") != id {
		t.Fatalf("retry answered %d: %v", status, answer)
	}
	o.ends(t, id, "succeeded")
	o.has(t, "active", "Orchard & Sons", 30)
}

// takeSiteAway removes the site from the artifact version and returns what puts it back, once.
func (o orchard) takeSiteAway(t *testing.T) (back func()) {
	t.Helper()
	cell, client := o.Outputs(t, "earshotops-cell"), world.S3(o.AWS())
	bucket := cell["ArtifactBucket"]
	listed, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String(cell["ArtifactVersion"] + "/site/")})
	if err != nil || len(listed.Contents) == 0 {
		t.Fatalf("the site's files: %v, %v", listed, err)
	}
	files := map[string][]byte{}
	for _, object := range listed.Contents {
		files[*object.Key] = o.read(t, bucket, *object.Key)
		if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: object.Key}); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for key, content := range files {
			o.write(t, bucket, key, content)
			delete(files, key)
		}
	}
}
