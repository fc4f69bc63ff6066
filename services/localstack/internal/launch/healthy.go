package launch

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/earshot-hq/earshot/services/localstack/internal/adminapi"
	"github.com/earshot-hq/earshot/services/localstack/internal/process"
)

// becomeHealthy writes endpoints.json, and from now on again whenever a part comes or goes.
func (s *stack) becomeHealthy() error {
	s.mu.Lock()
	s.healthy = true
	s.mu.Unlock()
	return s.writeEndpoints()
}

func (s *stack) writeEndpoints() error {
	processes := s.supervisor.PIDs()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.healthy {
		return nil
	}
	e := Endpoints{
		Gateway: new(s.gateway.URL()), AdminAPI: s.admin.URL(), Portal: new(s.admin.PortalURL()), Metrics: s.admin.MetricsURL(),
		AdminIssuer: s.identity.Issuer, AdminClientID: s.identity.ClientID,
		AdminUser:   Account{Username: ownerEmail, Password: s.password},
		DemoManager: Account{Username: managerEmail, Password: s.managerPassword},
		AWSEndpoint: s.emulator.URL(),
		OpenSearch:  accessTo(s.opensearch),
		Postgres:    s.admin.SuperuserURL(),
		Simulator:   new(s.simulator.URL()),
		Processes:   processes,
	}
	if s.dedicated != nil {
		dedicated := accessTo(s.dedicated)
		e.Dedicated = &dedicated
	}
	if s.relay != nil {
		if err := s.tellDashboards(&e); err != nil {
			return err
		}
	}
	return e.write(s.bench.Workspace.State)
}

// tellDashboards writes down how somebody's Dashboards reaches search.
func (s *stack) tellDashboards(e *Endpoints) error {
	password, err := s.opensearch.DashboardsPassword()
	if err != nil {
		return err
	}
	e.Dashboards = &s.Settings.DashboardsURL
	e.Relay = &SearchAccess{URL: "https://localhost:" + strconv.Itoa(s.bench.Ports.Relay), Username: "kibanaserver", Password: password, CAFile: s.opensearch.CAFile}
	return nil
}

// checkLoopback refuses to go on when any process of the stack listens where another machine could reach it.
func (s *stack) checkLoopback() error {
	listeners, err := process.Listeners(s.bench.Workspace.State)
	if err != nil {
		return err
	}
	var open []error
	for _, listener := range listeners {
		if !listener.Address.Addr().IsLoopback() {
			open = append(open, fmt.Errorf("process %d listens on %s %s, which other machines may reach", listener.PID, listener.Network, listener.Address))
		}
	}
	if len(open) == 0 {
		s.Console.Line("launcher", fmt.Sprintf("%d sockets listen, all on loopback", len(listeners)))
	}
	return errors.Join(open...)
}

func (s *stack) printAddresses(tenant adminapi.Tenant) {
	var text strings.Builder
	fmt.Fprintf(&text, "\nEarshot runs. Ctrl-C or `make down` stops it.\n\n")
	dedicated := "none; EARSHOT_DEDICATED_SEARCH=true starts one"
	if s.dedicated != nil {
		dedicated = s.dedicated.URL()
	}
	dashboards := "none; EARSHOT_DASHBOARDS_URL names one that you run"
	if s.relay != nil {
		dashboards = s.Settings.DashboardsURL + "; it finds search as dashboards_opensearch of the file below says"
	}
	for _, line := range [][2]string{
		{"portal", s.admin.PortalURL()},
		{"  sign in as", ownerEmail + " with the password " + s.password},
		{"admin API", s.admin.URL() + "/docs; `make -s token` prints a bearer token"},
		{"tenant", tenant.Slug},
		{"  softphone", tenant.URLs.Softphone},
		{"  telemetry", tenant.URLs.TelemetryAPI},
		{"  managers", tenant.URLs.ManagerSignIn},
		{"  manager", managerEmail + "; the password is demo_manager in the file below"},
		{"search", s.opensearch.URL()},
		{"  dedicated", dedicated},
		{"dashboards", dashboards},
		{"AWS", s.emulator.URL()},
		{"simulator", s.simulator.URL() + "/sim/, a stand-in for Amazon Connect: call an agent who has signed in"},
		{"all of it", endpointsFile(s.bench.Workspace.State)},
	} {
		fmt.Fprintf(&text, "  %-13s %s\n", line[0], line[1])
	}
	s.Console.Text(text.String())
}
