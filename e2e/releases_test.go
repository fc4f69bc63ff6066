package e2e_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/slug"
)

// later adds a queue to a template, and names it in the outputs; mute adds another.
const (
	laterResource = `
  Later:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub 'earshot-${Slug}-later', Tags: [{Key: 'earshot:tenant', Value: !Ref Slug}]}
`
	muteResource = `
  Mute:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub 'earshot-${Slug}-mute', Tags: [{Key: 'earshot:tenant', Value: !Ref Slug}]}
`
	laterOutput = "  LaterUrl: {Value: !Ref Later}\n"
)

// TestUpgradesBetweenReleasesThatDiffer upgrades tenants to a release with other code and one resource more, then to one that cannot
// be put in place, and back to the first.
func TestUpgradesBetweenReleasesThatDiffer(t *testing.T) {
	w := setup(t)
	atOnce(t)
	orchards := map[slug.Slug]orchard{}
	for _, s := range []slug.Slug{"alder", "birch"} {
		orchards[s] = orchard{w, w.Onboard(t, world.Draft(s.String()))}
	}
	alder, birch := orchards["alder"], orchards["birch"]
	first := w.Outputs(t, "earshotops-cell")["ArtifactVersion"]
	before := aCall("ida.before")
	w.Post(t, alder.Tenant, before)
	w.FindExactly(t, "alder", "ida.before", before)

	t.Run("to a release with other code and one resource more", func(t *testing.T) {
		release(t, w, "later", laterResource, laterOutput)
		assert.Contains(t, alder.preview(t, "later"), "add Later")
		alder.isOn(t, "alder", first, "")
		rollout := upgrade(t, w, "later", "alder", "birch")
		assert.Equal(t, "succeeded", rollout.State, rollout.Failure)
		for s, o := range orchards {
			o.isOn(t, s, "later", "later")
			assert.Contains(t, w.Outputs(t, s.StackName())["LaterUrl"], "earshot-"+s.String()+"-later")
		}
	})
	t.Run("the data stays, and calls arrive", func(t *testing.T) {
		w.FindExactly(t, "alder", "ida.before", before)
		after := aCall("ida.after")
		w.Post(t, alder.Tenant, after)
		w.FindExactly(t, "alder", "ida.after", after)
	})
	t.Run("to one that fails: back to the one before, and no tenant after it", func(t *testing.T) {
		release(t, w, "broken", laterResource+refused, laterOutput)
		rollout := upgrade(t, w, "broken", "alder", "birch")
		require.Equal(t, "failed", rollout.State)
		assert.Equal(t, "alder", rollout.Failure.Tenant)
		assert.Equal(t, "stack.resource_failed", rollout.Failure.Code)
		require.Len(t, rollout.Tenants, 2)
		assert.Equal(t, "failed", rollout.Tenants[0].State)
		assert.Equal(t, "not_begun", rollout.Tenants[1].State)
		assert.Nil(t, rollout.Tenants[1].Operation, "birch's upgrade has begun")
		alder.isOn(t, "alder", "later", "later")
		birch.isOn(t, "birch", "later", "later")
		assert.NotEmpty(t, w.Outputs(t, slug.Slug("alder").StackName())["LaterUrl"])
		w.FindExactly(t, "alder", "ida.before", before)
		again := aCall("ida.again")
		w.Post(t, alder.Tenant, again)
		w.FindExactly(t, "alder", "ida.again", again)
	})
	t.Run("to one that stands and takes no call: taken back by its upgrade", func(t *testing.T) {
		release(t, w, "mute", laterResource+muteResource, laterOutput, edit{"status := http.StatusAccepted", "status := http.StatusInternalServerError"})
		id := begin(t, w, "mute", "alder", "birch")
		failed := failsItsProof(t, w, id)
		rollout := over(t, w, id)
		require.Equal(t, "failed", rollout.State)
		assert.Equal(t, "alder", rollout.Failure.Tenant)
		assert.Equal(t, "upgrade.taken_back", rollout.Failure.Code)
		for _, part := range []string{"Version mute failed its proof: /callreport answered 500", "back on version later"} {
			assert.Contains(t, rollout.Failure.Reason, part)
		}
		require.Len(t, rollout.Tenants, 2)
		assert.Equal(t, "failed", rollout.Tenants[0].State)
		assert.Equal(t, "not_begun", rollout.Tenants[1].State)
		assert.Subset(t, w.Steps(t, failed, updateTime), []string{"await_update", "send_call", "take_back", "await_take_back", "await_call"})
		for s, o := range orchards {
			o.isOn(t, s, "later", "later")
			assert.Contains(t, w.Outputs(t, s.StackName())["LaterUrl"], "earshot-"+s.String()+"-later")
		}
		_, err := sqs.NewFromConfig(w.AWS()).GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("earshot-alder-mute")})
		require.Error(t, err, "what only the new release had is still there")
		w.FindExactly(t, "alder", "ida.before", before)
		then := aCall("ida.then")
		w.Post(t, alder.Tenant, then)
		w.FindExactly(t, "alder", "ida.then", then)
	})
	t.Run("and back to the first", func(t *testing.T) {
		rollout := upgrade(t, w, first, "alder", "birch")
		assert.Equal(t, "succeeded", rollout.State, rollout.Failure)
		for s, o := range orchards {
			o.isOn(t, s, first, "")
			assert.NotContains(t, w.Outputs(t, s.StackName()), "LaterUrl")
		}
		w.FindExactly(t, "alder", "ida.before", before)
		w.FindExactly(t, "alder", "ida.after", aCall("ida.after"))
	})
	for s := range orchards {
		w.Offboard(t, s.String(), "delete")
	}
}

// preview has told what an upgrade of alder would change, and returns it as action and resource.
func (o orchard) preview(t *testing.T, version string) (changes []string) {
	t.Helper()
	status, answer := o.Call(t, http.MethodPost, "/v1/tenants/alder/actions/upgrade?preview=true", map[string]any{"artifact_version": version})
	require.Equal(t, http.StatusAccepted, status, answer)
	told, _ := o.ends(t, world.Member(answer, "operation", "id").(string), "succeeded")["changes"].([]any)
	for _, one := range told {
		change, _ := one.(map[string]any)
		changes = append(changes, fmt.Sprint(change["action"], " ", change["resource"]))
	}
	return changes
}

// aCall is a call of an agent's own: the same arguments give as many documents.
func aCall(agent string) samplecall.Call {
	return samplecall.New(samplecall.Options{
		Agent: agent, Queue: "Q", RoutingProfile: "R",
		Start: time.Now().Add(-time.Minute).Truncate(time.Millisecond), Duration: 10 * time.Second,
	})
}

// isOn checks which release a tenant is on by what the API says, by its site, and by what its own function answers.
func (o orchard) isOn(t *testing.T, s slug.Slug, version, says string) {
	t.Helper()
	now := o.World.Tenant(t, s.String())
	assert.Equal(t, "active", now["state"])
	assert.Equal(t, version, world.Member(now, "stack", "artifact_version"), s)
	text, _ := world.Get(t, o.Site()+"config.json")
	assert.Equal(t, version, world.Decode(t, []byte(text))["artifactVersion"], s)
	for _, p := range aCall("release.example").Posts() {
		status, header, answer := world.Send(t, o.API()+"/"+p.Route, o.Origin(), p.Body)
		assert.Equal(t, http.StatusAccepted, status, string(answer))
		if p.Route == "callreport" {
			assert.Equal(t, says, header.Get("Earshot-Release"), s)
		}
	}
}

// release puts a release into the cell's bucket whose function for call reports says its version in a header of its answers, and
// whose template has more resources and outputs. More edits are made to that function's answers.
func release(t *testing.T, w *world.World, version, resources, outputs string, more ...edit) {
	t.Helper()
	cell := w.Outputs(t, "earshotops-cell")
	bucket := cell["ArtifactBucket"]
	copyArtifacts(t, w, version)
	o := orchard{World: w}
	key := version + "/templates/tenant.yaml"
	template := o.read(t, bucket, key)
	for at, more := range map[string]string{"\nResources:\n": resources, "\nOutputs:\n": outputs} {
		require.Equal(t, 1, bytes.Count(template, []byte(at)))
		template = bytes.Replace(template, []byte(at), []byte(at+more), 1)
	}
	o.write(t, bucket, key, template)
	o.write(t, bucket, version+"/lambdas/callreport-pusher.zip", packed(t, built(t, version, more...)))
}

// An edit replaces a text of a source, which is there once.
type edit struct{ of, to string }

// built compiles the function for call reports from a source that differs in what its answers say, and returns the program's name.
func built(t *testing.T, version string, more ...edit) string {
	t.Helper()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	dir, source := t.TempDir(), filepath.Join(root, "internal", "pusher", "answer.go")
	text, err := os.ReadFile(source)
	require.NoError(t, err)
	const at = `"cache-control": "no-store",`
	for _, e := range append(more, edit{at, fmt.Sprintf("%s \"earshot-release\": %q,", at, version)}) {
		require.Equal(t, 1, bytes.Count(text, []byte(e.of)))
		text = bytes.Replace(text, []byte(e.of), []byte(e.to), 1)
	}
	other, overlay, program := filepath.Join(dir, "answer.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "bootstrap")
	require.NoError(t, os.WriteFile(other, text, 0o600))
	replaced, err := json.Marshal(map[string]any{"Replace": map[string]string{source: other}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, replaced, 0o600))
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-tags", "lambda.norpc", "-buildvcs=false", "-o", program, "./lambdas/callreport-pusher")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+runtime.GOARCH)
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// packed is a program as Lambda takes it.
func packed(t *testing.T, program string) []byte {
	t.Helper()
	content, err := os.ReadFile(program)
	require.NoError(t, err)
	var archive bytes.Buffer
	into := zip.NewWriter(&archive)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	entry, err := into.CreateHeader(header)
	require.NoError(t, err)
	_, err = entry.Write(content)
	require.NoError(t, err)
	require.NoError(t, into.Close())
	return archive.Bytes()
}

// A rollout is what the API says of an upgrade of many.
type rollout struct {
	ID, State string
	Failure   *struct{ Tenant, Code, Reason string }
	Tenants   []struct {
		Tenant, State string
		Operation     *string
	}
}

// upgrade upgrades tenants, one at a time, and returns the rollout once it is over.
func upgrade(t *testing.T, w *world.World, version string, tenants ...slug.Slug) rollout {
	t.Helper()
	return over(t, w, begin(t, w, version, tenants...))
}

// begin asks for an upgrade of tenants, one at a time, and returns its id.
func begin(t *testing.T, w *world.World, version string, tenants ...slug.Slug) string {
	t.Helper()
	status, answer := w.Call(t, http.MethodPost, "/v1/upgrades", map[string]any{"artifact_version": version, "tenants": tenants, "parallel": 1})
	require.Equal(t, http.StatusAccepted, status, answer)
	return answer["id"].(string)
}

// failsItsProof has the time for the proof of an upgrade's first tenant pass as soon as that waits for its call to be taken, and returns
// the tenant's operation.
func failsItsProof(t *testing.T, w *world.World, id string) (operation string) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), w.Postgres)
	require.NoError(t, err)
	defer func() { _ = db.Close(context.WithoutCancel(t.Context())) }()
	world.Eventually(t, 2*updateTime, "the proof has failed", func(ctx context.Context) (bool, string) {
		// What the worker saves in the same moment undoes this: then again.
		_, err := db.Exec(ctx, `update operations set memo = jsonb_set(memo, '{step_started}', to_jsonb(now() - interval '1 hour'))
			where rollout_id = $1 and state = 'running' and step = 'send_call' and memo ? 'step_started' and not memo ? 'broken'`, id)
		if err != nil {
			return false, err.Error()
		}
		broken, err := column(ctx, db, `select id::text from operations where rollout_id = '`+id+`' and (memo ? 'broken' or state = 'failed')`)
		if err != nil || len(broken) == 0 {
			return false, fmt.Sprint(broken, err)
		}
		operation = broken[0]
		return true, ""
	})
	return operation
}

// over waits for the end of an upgrade of many.
func over(t *testing.T, w *world.World, id string) (r rollout) {
	t.Helper()
	var answer map[string]any
	world.Eventually(t, 2*updateTime, "the upgrade is over", func(context.Context) (bool, string) {
		_, answer = w.Call(t, http.MethodGet, "/v1/upgrades/"+id, nil)
		return answer["finished_at"] != nil, fmt.Sprint(answer)
	})
	text, err := json.Marshal(answer)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &r))
	return r
}
