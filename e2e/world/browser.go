package world

import (
	"bytes"
	"os/exec"
	"regexp"
	"testing"
)

// whatRan is how Playwright's report ends.
var whatRan = regexp.MustCompile(`(?m)^\s*(\d+) (passed|skipped|failed|flaky|did not run)`)

// Browse runs a project's browser tests against the world, with settings ("NAME=value") of the test's own. One that does not run is one
// that fails.
func (w *World) Browse(t *testing.T, project string, settings ...string) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium on the path: `localstack chromium` installs one, or says how")
	}
	browse := w.command("npm", project, "run", "--silent", "browser")
	browse.Env = append(browse.Env, "EARSHOT_ENDPOINTS="+w.endpointsFile(), "CHROMIUM="+chromium)
	browse.Env = append(browse.Env, settings...)
	out, err := browse.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	ran := whatRan.FindAllSubmatch(out, -1)
	if len(ran) != 1 || !bytes.Equal(ran[0][2], []byte("passed")) {
		t.Errorf("not every browser test ran: %q", ran)
	}
}
