package launch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/earshot-hq/earshot/services/localstack/internal/adminapi"
	"github.com/earshot-hq/earshot/services/localstack/internal/part"
	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// Endpoints are written to endpoints.json when all is healthy. Whoever uses the local stack reads them there: ports move.
type Endpoints struct {
	AdminAPI      string         `json:"admin_api"`
	Portal        *string        `json:"portal"`
	Gateway       *string        `json:"gateway"`
	Metrics       string         `json:"metrics"`
	AdminIssuer   string         `json:"admin_issuer"`
	AdminClientID string         `json:"admin_client_id"`
	AdminUser     Account        `json:"admin_user"`
	DemoManager   Account        `json:"demo_manager"` // of the demonstration tenant
	AWSEndpoint   string         `json:"aws_endpoint"`
	OpenSearch    SearchAccess   `json:"opensearch"`
	Dedicated     *SearchAccess  `json:"dedicated_opensearch"` // what dedicated tenants have
	Postgres      string         `json:"postgres"`
	Simulator     *string        `json:"simulator"`
	Dashboards    *string        `json:"dashboards"`            // somebody's own
	Relay         *SearchAccess  `json:"dashboards_opensearch"` // the search that it has to use
	Processes     map[string]int `json:"processes"`
}

// An Account is a person's.
type Account struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// SearchAccess is how the search node's administrator reaches it.
type SearchAccess struct {
	URL      string `json:"url"`
	Username string `json:"username"`
	Password string `json:"password"`
	CAFile   string `json:"ca_file"`
}

func accessTo(node *part.OpenSearch) SearchAccess {
	return SearchAccess{URL: node.URL(), Username: node.Username, Password: node.Password, CAFile: node.CAFile}
}

// searchOf is where a tenant's documents are.
func (e Endpoints) searchOf(tenant adminapi.Tenant) SearchAccess {
	if tenant.Isolation == "dedicated" && e.Dedicated != nil {
		return *e.Dedicated
	}
	return e.OpenSearch
}

func endpointsFile(state string) string { return filepath.Join(state, "endpoints.json") }

func (e Endpoints) write(state string) error {
	content, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	return workspace.WriteFile(endpointsFile(state), 0o600, append(content, '\n'))
}

// errNotUp is returned to whoever needs a running stack.
var errNotUp = errors.New("Earshot does not run here: start it with `make up` and wait until it is healthy")

// endpoints returns what the running launcher wrote.
func (l *Launcher) endpoints() (Endpoints, error) {
	var e Endpoints
	file := endpointsFile(l.Settings.Local)
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return e, errNotUp
	}
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(content, &e); err != nil {
		return e, fmt.Errorf("%s: %w", file, err)
	}
	return e, nil
}
