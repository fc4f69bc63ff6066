package part

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"syscall"

	"github.com/earshot-hq/earshot/services/localstack/internal/process"
)

// A Gateway is where managers come.
type Gateway struct {
	bench  *Bench
	binary string
	roster [32]byte // the seed of the key that the worker signs the list of tenants with
	cookie [32]byte
}

// NewGateway returns the service whose binary BuildService has made.
func NewGateway(b *Bench, binary string) (*Gateway, error) {
	g := &Gateway{bench: b, binary: binary}
	for name, key := range map[string]*[32]byte{"roster": &g.roster, "gateway-cookies": &g.cookie} {
		secret, err := b.Secrets.Get(name)
		if err != nil {
			return nil, err
		}
		*key = sha256.Sum256([]byte(secret))
	}
	return g, nil
}

// Host is under which each tenant has a name.
func (g *Gateway) Host() string { return "localhost:" + strconv.Itoa(g.bench.Ports.Gateway) }

// URL is where it answers, to requests that name a tenant's host.
func (g *Gateway) URL() string { return "http://" + Loopback(g.bench.Ports.Gateway) }

// RosterKey is what the worker signs the list of tenants with.
func (g *Gateway) RosterKey() string { return base64.StdEncoding.EncodeToString(g.roster[:]) }

// A GatewayPlace is what the gateway needs to know of where it runs.
type GatewayPlace struct {
	Identity Identity
	Key      Key
	Bucket   string // of the cell
	CAPem    string // of search
	// Dashboards is where somebody runs one before Search; empty: nobody does.
	Dashboards, Search string
}

func authOf(at GatewayPlace) string {
	if at.Dashboards == "" {
		return "none"
	}
	return "proxy"
}

// Part is it as a process, under an IAM identity of its own.
func (g *Gateway) Part(at GatewayPlace) process.Part {
	public, _ := ed25519.NewKeyFromSeed(g.roster[:]).Public().(ed25519.PublicKey)
	metrics := Loopback(g.bench.Ports.GatewayMetrics)
	return process.Part{
		Name: "gateway", Patience: patience, StopSignal: syscall.SIGTERM,
		Command: func() (process.Command, error) {
			home := g.bench.Workspace.State
			return process.Command{Path: g.binary, Dir: home, Environment: append(slices.Concat(plainEnvironment(home), telemetryEnvironment(), at.Identity.environment(at.Key)),
				"EARSHOT_LISTEN="+Loopback(g.bench.Ports.Gateway), "EARSHOT_METRICS_LISTEN="+metrics,
				"EARSHOT_GATEWAY_HOST="+g.Host(), "EARSHOT_GATEWAY_SCHEME=http", "EARSHOT_POOLS_URL="+at.Identity.Endpoint,
				"EARSHOT_ROSTER_BUCKET="+at.Bucket, "EARSHOT_ROSTER_PUBLIC_KEY="+base64.StdEncoding.EncodeToString(public), "EARSHOT_ROSTER_EVERY=1s",
				"EARSHOT_DASHBOARDS_AUTH="+authOf(at), "EARSHOT_DASHBOARDS_URL="+at.Dashboards, "EARSHOT_DASHBOARDS_SEARCH="+at.Search,
				"EARSHOT_COOKIE_KEYS="+base64.StdEncoding.EncodeToString(g.cookie[:]), "EARSHOT_SEARCH_AUTH=basic", "EARSHOT_SEARCH_CA_PEM="+at.CAPem,
			)}, nil
		},
		Ready: answers(freshClient(nil), "http://"+metrics+"/healthz", nil),
	}
}
