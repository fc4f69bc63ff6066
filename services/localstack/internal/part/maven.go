package part

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/earshot-hq/earshot/services/localstack/internal/depot"
)

// MavenRepository is the default repository of jgo, a Maven client in Python, so that its address is kept by those whose job it
// is. The client's own downloading is not used: it tells no progress.
func (p *Python) MavenRepository(requirements []byte) depot.Repository {
	return func(ctx context.Context) (string, error) {
		python, err := p.Environment(ctx, "maven", requirements)
		if err != nil {
			return "", err
		}
		out, err := exec.CommandContext(ctx, python, "-c", "from jgo.constants import MAVEN_CENTRAL_URL; print(MAVEN_CENTRAL_URL)").Output()
		if err != nil {
			return "", fmt.Errorf("ask the Maven client for its repository: %w", err)
		}
		return strings.TrimSpace(string(out)), nil
	}
}
