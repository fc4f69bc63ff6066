package launch

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/earshot-hq/earshot/services/localstack/internal/cloud"
	"github.com/earshot-hq/earshot/services/localstack/internal/part"
	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// maxTenants is what one origin access control and one response headers policy carry.
const maxTenants = 100

// deploy builds control plane and cell in the emulator, or brings them up to date, and starts the services with what they
// need to know of them. It runs again when the emulator has lost its state.
func (s *stack) deploy(ctx context.Context) error {
	began := time.Now()
	plane, err := s.cloud.ControlPlane(ctx, s.admin.PortalURL())
	if err != nil {
		return err
	}
	if err := s.cloud.Owner(ctx, plane.PoolID, ownerEmail, s.password); err != nil {
		return err
	}
	worker, err := s.key(ctx, plane.WorkerUser, "worker-key.json")
	if err != nil {
		return err
	}
	api, err := s.key(ctx, plane.APIUser, "api-key.json")
	if err != nil {
		return err
	}
	gateway, err := s.key(ctx, plane.GatewayUser, "gateway-key.json")
	if err != nil {
		return err
	}
	s.Console.Took("control", "plane deployed", time.Since(began))

	began = time.Now()
	config := cloud.CellConfig{
		Host: s.emulator.Host(), Architecture: runtime.GOARCH, ExternalID: s.externalID, WorkerPrincipalARN: plane.WorkerPrincipalARN,
		ConnectEndpoint: s.simulator.URL(), GatewayHost: s.gateway.Host(), GatewayPrincipalARN: plane.GatewayPrincipalARN,
		APIPrincipalARN: plane.APIPrincipalARN, Search: searchOf(s.opensearch), RTCScript: s.Settings.RTC,
	}
	if s.dedicated != nil {
		dedicated := searchOf(s.dedicated)
		config.Dedicated = &dedicated
	}
	cell, err := s.cloud.Cell(ctx, config, s.bundle)
	if err != nil {
		return err
	}
	s.Console.Took("cell", "deployed", time.Since(began))

	began = time.Now()
	if err := s.admin.Migrate(ctx, []part.Cell{{
		Name: "local", Region: part.Region, StackName: cloud.CellStack, RoleARN: cell.WorkerRoleARN, ExternalID: s.externalID, MaxTenants: maxTenants,
	}}); err != nil {
		return err
	}
	s.Console.Took("postgres", "migrated", time.Since(began))

	identity := part.Identity{
		Issuer: plane.Issuer, ClientID: plane.ClientID, DiscoveryURL: s.emulator.URL() + "/" + plane.PoolID,
		Worker: part.Key(worker), API: part.Key(api), Endpoint: s.emulator.URL(),
	}
	s.mu.Lock()
	s.identity = identity
	s.mu.Unlock()
	return start(ctx, s.supervisor, s.admin.Part(identity), s.admin.WorkerPart(identity, s.gateway.RosterKey()), s.gateway.Part(part.GatewayPlace{
		Identity: identity, Key: part.Key(gateway), Bucket: cell.ArtifactBucket, CAPem: s.opensearch.CAPem,
		Dashboards: s.Settings.DashboardsURL, Search: s.dashboardsSearch(),
	}))
}

// dashboardsSearch is the search that somebody's Dashboards reads.
func (s *stack) dashboardsSearch() string {
	if s.Settings.DashboardsURL == "" {
		return ""
	}
	return s.opensearch.URL()
}

func searchOf(node *part.OpenSearch) cloud.Search {
	return cloud.Search{Endpoint: node.URL(), CAPem: node.CAPem, Username: node.Username, Password: node.Password}
}

// key keeps an identity's key between runs, readable for this checkout's owner alone.
func (s *stack) key(ctx context.Context, user, name string) (cloud.AccessKey, error) {
	file := s.bench.Workspace.Path(name)
	var kept cloud.AccessKey
	content, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(content, &kept)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return kept, err
	}
	key, err := s.cloud.Key(ctx, user, kept)
	if err != nil || key == kept {
		return key, err
	}
	content, err = json.Marshal(key) //nolint:gosec // this file is where the key is kept
	if err != nil {
		return key, err
	}
	return key, workspace.WriteFile(file, 0o600, content)
}
