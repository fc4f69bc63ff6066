package part

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/earshot-hq/earshot/services/localstack/internal/certs"
)

// nodeSettings are the node's opensearch.yml; its ports are given when it starts.
const nodeSettings = `cluster.name: earshot-%[2]s
node.name: local
discovery.type: single-node
network.host: 127.0.0.1
path.data: %[1]s/data
path.logs: %[1]s/logs
cluster.routing.allocation.disk.threshold_enabled: false
plugins.security.ssl.transport.pemcert_filepath: ` + certs.Node + `
plugins.security.ssl.transport.pemkey_filepath: ` + certs.NodeKey + `
plugins.security.ssl.transport.pemtrustedcas_filepath: ` + certs.CA + `
plugins.security.ssl.transport.enforce_hostname_verification: false
plugins.security.ssl.http.enabled: true
plugins.security.ssl.http.pemcert_filepath: ` + certs.Node + `
plugins.security.ssl.http.pemkey_filepath: ` + certs.NodeKey + `
plugins.security.ssl.http.pemtrustedcas_filepath: ` + certs.CA + `
plugins.security.authcz.admin_dn: ["CN=` + certs.AdminName + `"]
plugins.security.nodes_dn: ["CN=` + certs.NodeName + `"]
plugins.security.allow_default_init_securityindex: true
plugins.security.restapi.roles_enabled: [all_access, security_rest_api_access]
plugins.security.system_indices.enabled: true
`

const nodeLogging = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`

// securityConfig signs people in by password and, where proxied is in it, by the gateway's headers when they come from Dashboards.
const securityConfig = `_meta: {type: config, config_version: 2}
config:
  dynamic:
    do_not_fail_on_forbidden: true
    kibana: {multitenancy_enabled: true, private_tenant_enabled: false, server_username: kibanaserver}
    http:
      anonymous_auth_enabled: false
    authc:
      basic:
        http_enabled: true
        transport_enabled: false
        order: 1
        http_authenticator: {type: basic, challenge: true}
        authentication_backend: {type: intern}
`

// DashboardsAddress is from where Dashboards speaks to search, through a relay: whoever speaks from there is believed, so it may not
// be 127.0.0.1, from which everything on this machine speaks.
const DashboardsAddress = "127.0.0.2"

// proxied has search believe the headers that Dashboards passes on.
const proxied = `
      xff: {enabled: true, internalProxies: '127\.0\.0\.2'}
    authc:
      proxy:
        http_enabled: true
        transport_enabled: false
        order: 0
        http_authenticator:
          type: proxy
          challenge: false
          config: {user_header: x-proxy-user, roles_header: x-proxy-roles}
        authentication_backend: {type: noop}
`

// securityOf is the security plugin's config.yml.
func (o *OpenSearch) securityOf() string {
	if !o.hasProxy {
		return securityConfig
	}
	return strings.Replace(securityConfig, "\n    authc:\n", proxied, 1)
}

// checkProxy refuses a state that was made for the other: the node keeps what it read at its first start.
func (o *OpenSearch) checkProxy(config string) error {
	content, err := os.ReadFile(filepath.Join(config, "opensearch-security", "config.yml"))
	if err != nil {
		return err
	}
	if hadProxy := strings.Contains(string(content), "x-proxy-user"); hadProxy != o.hasProxy {
		return errors.New("this state's search was made with a Dashboards and is started without, or the other way round: set EARSHOT_DASHBOARDS_URL as it was, or `make clean` first")
	}
	return nil
}

// The administrator's rights hang on a backend role whose name is a secret: a name that a proxy header could carry would be
// a password that everybody knows.
const (
	securityUsers = `_meta: {type: internalusers, config_version: 2}
admin: {hash: "%s", reserved: true, backend_roles: ["%s"], description: "the launcher and the search-tenant provider"}
kibanaserver: {hash: "%s", reserved: true, description: "OpenSearch Dashboards' own user"}
`
	securityMapping = `_meta: {type: rolesmapping, config_version: 2}
all_access: {reserved: true, backend_roles: ["%[1]s"]}
security_rest_api_access: {reserved: true, backend_roles: ["%[1]s"]}
kibana_server: {reserved: true, users: [kibanaserver]}
`
)

// configure writes what the node reads. Certificates and users are made once; the node takes the security files at its first
// start and keeps them in an index of its own.
func (o *OpenSearch) configure(makeCertificates func(config string) error) (err error) {
	if o.Password, err = o.bench.Secrets.Get(o.name + "-admin"); err != nil {
		return err
	}
	for _, folder := range []string{"config", "data", "logs", "config/opensearch-security"} {
		if _, err := o.bench.Workspace.ServerFolder(o.name, filepath.FromSlash(folder)); err != nil {
			return err
		}
	}
	config := filepath.Join(o.folder, "config")
	cluster := "local"
	if o.name == dedicatedName {
		cluster = "dedicated"
	}
	files := map[string]string{
		"opensearch.yml":    fmt.Sprintf(nodeSettings, o.folder, cluster),
		"log4j2.properties": nodeLogging,
	}
	_, err = os.Stat(filepath.Join(config, certs.CA))
	isNew := err != nil
	if isNew {
		err = o.securityFiles(files)
	} else {
		err = o.checkProxy(config)
	}
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(config, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	if isNew { // last: what is there after a run that was cut off is made again
		if err := makeCertificates(config); err != nil {
			return err
		}
	}
	return filepath.WalkDir(config, func(name string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return o.bench.Workspace.Own(name)
	})
}

// DashboardsPassword is that of kibanaserver, Dashboards' own user.
func (o *OpenSearch) DashboardsPassword() (string, error) {
	return o.bench.Secrets.Get(o.name + "-kibanaserver")
}

func (o *OpenSearch) securityFiles(files map[string]string) error {
	role, err := o.bench.Secrets.Get(o.name + "-admin-role")
	if err != nil {
		return err
	}
	dashboards, err := o.DashboardsPassword()
	if err != nil {
		return err
	}
	// The secrets are long and random, so that a cheap hash loses nothing, and every request checks one.
	adminHash, err := bcrypt.GenerateFromPassword([]byte(o.Password), bcrypt.MinCost)
	if err != nil {
		return err
	}
	dashboardsHash, err := bcrypt.GenerateFromPassword([]byte(dashboards), bcrypt.MinCost)
	if err != nil {
		return err
	}
	shipped, err := filepath.Glob(filepath.Join(o.software, "plugins", "opensearch-security", "config", "*.yml"))
	if err != nil {
		return err
	}
	for _, name := range shipped {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files["opensearch-security/"+filepath.Base(name)] = string(content)
	}
	files["opensearch-security/config.yml"] = o.securityOf()
	files["opensearch-security/internal_users.yml"] = fmt.Sprintf(securityUsers, adminHash, role, dashboardsHash)
	files["opensearch-security/roles_mapping.yml"] = fmt.Sprintf(securityMapping, role)
	return nil
}
