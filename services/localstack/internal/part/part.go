// Package part knows each process of the local stack: what it needs, how it is started and when it is ready. One file a process.
package part

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/services/localstack/internal/depot"
	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// A Bench is what every part is built with.
type Bench struct {
	Workspace *workspace.Workspace
	Ports     Ports
	Secrets   *workspace.Secrets
	Depot     *depot.Depot
	Python    *Python
	// Requirements are pip files with hashes, by what they bring.
	Requirements Requirements
	// Fleeting says that nothing needs to survive a crash of the machine: for tests.
	Fleeting bool
	// HasDedicated says that there is a second search node, which dedicated tenants have.
	HasDedicated bool
	// HasDashboards says that somebody runs OpenSearch Dashboards before the shared search node.
	HasDashboards bool
	// Report is given a line for a person.
	Report func(line string)
}

// Requirements are the Python packages of the emulator, of a Maven client and, for machines without them, of a Java runtime and
// of Node.
type Requirements struct{ AWS, Maven, Java, Node []byte }

// Ports are where the parts listen, on loopback.
type Ports struct {
	Postgres, OpenSearch, OpenSearchNodes, AWS, Simulator, Admin, AdminMetrics, WorkerMetrics, Gateway, GatewayMetrics int
	Dedicated, DedicatedNodes                                                                                          int // 0 without a second search node
	Relay                                                                                                              int // to search, for Dashboards; 0 without one
	// StacksMoved says that a port that the emulator's stacks carry is another than in an earlier run.
	StacksMoved bool
}

// ChoosePorts finds a port for each part: the usual one, so that people and bookmarks find it, or another when that is taken.
// What stacks carry stays as it was while it can. A scratch state takes others, so that it never stands in a lasting one's way.
func ChoosePorts(remembered *workspace.Ports, isScratch, hasDedicated, hasDashboards bool) (Ports, error) {
	type wish struct {
		part             string
		preferred        int
		port             *int
		isCarriedByStack bool
	}
	var p Ports
	wishes := []wish{
		{"postgres", 5432, &p.Postgres, false},
		{"opensearch", 9200, &p.OpenSearch, true},
		{"opensearch-nodes", 9300, &p.OpenSearchNodes, false},
		{"aws", 4566, &p.AWS, true},
		{"simulator", 8085, &p.Simulator, true},
		{"admin", 8080, &p.Admin, false},
		{"gateway", 8081, &p.Gateway, true},
		{"metrics", 8082, &p.AdminMetrics, false},
		{"worker-metrics", 8083, &p.WorkerMetrics, false},
		{"gateway-metrics", 8084, &p.GatewayMetrics, false},
	}
	if hasDedicated {
		wishes = append(wishes, wish{"opensearch-dedicated", 9201, &p.Dedicated, true}, wish{"opensearch-dedicated-nodes", 9301, &p.DedicatedNodes, false})
	}
	if hasDashboards {
		wishes = append(wishes, wish{"relay", 9299, &p.Relay, false})
	}
	if isScratch {
		// Below those that the system gives to whoever asks for any: the last part takes its port half a minute after it was chosen.
		const first, each, blocks = 10_240, 16, 1_400 // past 10080, which browsers refuse
		block := first + each*rand.IntN(blocks)       //nolint:gosec // two that start together are to differ, nobody is to be surprised
		for i := range wishes {
			wishes[i].preferred = block + i
		}
	}
	for _, one := range wishes {
		port, moved, err := remembered.Pick(one.part, one.preferred, isScratch || one.isCarriedByStack)
		if err != nil {
			return p, err
		}
		*one.port = port
		p.StacksMoved = p.StacksMoved || moved && one.isCarriedByStack
	}
	return p, nil
}

// patience is how long a part may take to get ready on a machine that does much else. One that ends is told of at once.
const patience = 8 * time.Minute

// Loopback is the address of a port on this machine, which is the only one that any part listens on.
func Loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// plainEnvironment is what a server inherits: enough to run, and nothing of the user's own settings and keys.
func plainEnvironment(home string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8", "TZ=UTC"} //nolint:forbidigo // the system's variable, not a setting of ours
}

// telemetryEnvironment is what our own services inherit beside that: OpenTelemetry's variables, none of which has an effect unless
// they name an endpoint.
func telemetryEnvironment() (passed []string) {
	for _, one := range os.Environ() {
		if strings.HasPrefix(one, "OTEL_") {
			passed = append(passed, one)
		}
	}
	return passed
}

// answers asks url until it is met with one of the wanted status codes.
func answers(client *http.Client, url string, edit func(*http.Request)) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if edit != nil {
			edit(request)
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }() // read only
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answered %s", url, response.Status)
		}
		return nil
	}
}

// freshClient keeps no connection, so that a readiness check never speaks to a process that is gone.
func freshClient(trust *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}}
}
