package part

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/earshot-hq/earshot/services/localstack/internal/certs"
	"github.com/earshot-hq/earshot/services/localstack/internal/depot"
	"github.com/earshot-hq/earshot/services/localstack/internal/process"
	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// An OpenSearch is a search node with its security plugin, over TLS: the one that tenants share, or the one that dedicated
// tenants have.
type OpenSearch struct {
	bench    *Bench
	name     string // of the part, its folder and its secrets
	port     int
	nodes    int // the port for other nodes, of which there are none
	software string
	java     string
	hasProxy bool   // it believes Dashboards who asks
	folder   string // config, data, logs and tmp below
	trust    *tls.Config

	Username string
	Password string
	CAFile   string // of the state, readable for this checkout's tools
	CAPem    string
}

// dedicatedName is the part that dedicated tenants have.
const dedicatedName = "opensearch-dedicated"

// KeepsDedicated reports whether a state had a node for dedicated tenants: their documents are there.
func KeepsDedicated(w *workspace.Workspace) bool {
	_, err := os.Stat(w.ServerPath(dedicatedName, "config", certs.CA)) // the last file that is made for one
	return err == nil
}

// NewOpenSearch fetches the node and makes its certificates and settings, each unless it is there.
func NewOpenSearch(ctx context.Context, b *Bench) (*OpenSearch, error) {
	o := &OpenSearch{
		bench: b, name: "opensearch", port: b.Ports.OpenSearch, nodes: b.Ports.OpenSearchNodes, Username: "admin", hasProxy: b.HasDashboards,
		folder: b.Workspace.ServerPath("opensearch"), CAFile: b.Workspace.Path("opensearch-ca.pem"),
	}
	name := "opensearch-" + depot.OpenSearch.SHA256[:6] + depot.OpenSearchSecurity.SHA256[:6]
	var err error
	if o.software, err = b.Workspace.Install(name, func(dir string) error { return unpackOpenSearch(ctx, b, dir) }); err != nil {
		return nil, err
	}
	if o.java, err = findJava(ctx, b.Python, b.Requirements.Java); err != nil {
		return nil, err
	}
	if err := o.configure(func(config string) error { return certs.Make(config, time.Now()) }); err != nil {
		return nil, err
	}
	return o, o.loadTrust()
}

// NewDedicated configures a second node of the same software, under the same authority, with users and data of its own.
func (o *OpenSearch) NewDedicated() (*OpenSearch, error) {
	second := *o
	second.hasProxy = false // a Dashboards reads one search
	second.name, second.port, second.nodes = dedicatedName, o.bench.Ports.Dedicated, o.bench.Ports.DedicatedNodes
	second.folder = o.bench.Workspace.ServerPath(dedicatedName)
	return &second, second.configure(func(config string) error { return o.giveCertificates(config) })
}

// giveCertificates copies those of the second node, CA last.
func (o *OpenSearch) giveCertificates(config string) error {
	for _, file := range [][2]string{{certs.SecondNodeKey, certs.NodeKey}, {certs.SecondNode, certs.Node}, {certs.CA, certs.CA}} {
		content, err := os.ReadFile(filepath.Join(o.folder, "config", file[0]))
		if errors.Is(err, fs.ErrNotExist) {
			return errors.New("this state was made when there was one search node only: `make clean` first")
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(config, file[1]), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func unpackOpenSearch(ctx context.Context, b *Bench, dir string) error {
	core, err := b.Depot.Get(ctx, depot.OpenSearch)
	if err != nil {
		return err
	}
	security, err := b.Depot.Get(ctx, depot.OpenSearchSecurity)
	if err != nil {
		return err
	}
	return errors.Join(depot.Unzip(core, dir, 1), depot.Unzip(security, filepath.Join(dir, "plugins", "opensearch-security"), 0))
}

func (o *OpenSearch) loadTrust() error {
	ca, err := os.ReadFile(filepath.Join(o.folder, "config", certs.CA))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return errors.New("the search node's certificate authority is damaged; `make clean` makes a new one")
	}
	o.CAPem = string(ca)
	o.trust = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return os.WriteFile(o.CAFile, ca, 0o644)
}

// URL is where the node answers. Its certificate names localhost and 127.0.0.1.
func (o *OpenSearch) URL() string { return "https://" + Loopback(o.port) }

// Client trusts the node's certificate.
func (o *OpenSearch) Client() *http.Client { return freshClient(o.trust) }

// Part is the node as a process. Java is started without the node's shell script, which would start three more of them first.
func (o *OpenSearch) Part() process.Part {
	return process.Part{
		Name: o.name, Patience: patience, StopSignal: syscall.SIGTERM, Credential: o.bench.Workspace.Credential(),
		Command: func() (process.Command, error) {
			// A lock that a killed node leaves in its data is freed by the system; files of its tmp are not.
			tmp := filepath.Join(o.folder, "tmp")
			if err := os.RemoveAll(tmp); err != nil {
				return process.Command{}, err
			}
			if _, err := o.bench.Workspace.ServerFolder(o.name, "tmp"); err != nil {
				return process.Command{}, err
			}
			return process.Command{
				Path: filepath.Join(o.java, "bin", "java"), Arguments: o.arguments(tmp), Environment: plainEnvironment(o.folder), Dir: o.folder,
			}, nil
		},
		Ready: answers(o.Client(), o.URL()+"/_cluster/health?wait_for_status=yellow&timeout=1s", func(r *http.Request) {
			r.SetBasicAuth(o.Username, o.Password)
		}),
	}
}

// arguments are those that the node's own script gives, with a small heap and without what it writes into its own folder.
func (o *OpenSearch) arguments(tmp string) []string {
	arguments := []string{
		"-Xms512m", "-Xmx512m", "-Xss1m", "-Xshare:auto",
		"-XX:+UseG1GC", "-XX:G1ReservePercent=25", "-XX:InitiatingHeapOccupancyPercent=30",
		"-XX:-OmitStackTraceInFastThrow", "-XX:+ExitOnOutOfMemoryError", "-XX:ErrorFile=" + filepath.Join(o.folder, "logs", "hs_err_pid%p.log"),
		"-Djava.io.tmpdir=" + tmp, "-Djava.awt.headless=true", "-Dfile.encoding=UTF-8", "-Djna.nosys=true", "-Djna.tmpdir=" + tmp,
		"-Djava.security.manager=allow", "-Djava.locale.providers=SPI,COMPAT",
		"-Djava.util.concurrent.ForkJoinPool.common.threadFactory=org.opensearch.secure_sm.SecuredForkJoinWorkerThreadFactory",
		"-Dopensearch.networkaddress.cache.ttl=60", "-Dopensearch.networkaddress.cache.negative.ttl=10",
		"-Dio.netty.noUnsafe=true", "-Dio.netty.noKeySetOptimization=true", "-Dio.netty.recycler.maxCapacityPerThread=0", "-Dio.netty.allocator.numDirectArenas=0",
		"-Dlog4j.shutdownHookEnabled=false", "-Dlog4j2.disable.jmx=true",
	}
	if o.bench.Fleeting {
		arguments = append(arguments, "-XX:TieredStopAtLevel=1") // a short life does not pay for the optimising compiler
	}
	return append(arguments,
		"-Dopensearch.path.home="+o.software, "-Dopensearch.path.conf="+filepath.Join(o.folder, "config"),
		"-Dopensearch.distribution.type=zip", "-Dopensearch.bundled_jdk=false",
		"-cp", filepath.Join(o.software, "lib", "*"), "org.opensearch.bootstrap.OpenSearch",
		"-Ehttp.port="+strconv.Itoa(o.port), "-Etransport.port="+strconv.Itoa(o.nodes))
}
