package launch

import (
	"context"
	"path/filepath"
	"time"

	"github.com/earshot-hq/earshot/services/localstack/internal/bundle"
	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// builder builds for every state of the checkout: bundles are named by their content, so states may share them.
func (l *Launcher) builder(architecture string) bundle.Builder {
	return bundle.Builder{
		Root: l.Root, Builds: l.common("build"), Bundles: l.common("artifacts"), Architecture: architecture,
	}
}

// common is a path below the folder that all states of the checkout share.
func (l *Launcher) common(elements ...string) string {
	return filepath.Join(append([]string{workspace.OwnState(l.Root)}, elements...)...)
}

// Artifacts builds the artifacts for a processor, by Go's name for it, and prints where they are.
func (l *Launcher) Artifacts(ctx context.Context, architecture string) error {
	began := time.Now()
	made, err := l.builder(architecture).Build(ctx)
	if err != nil {
		return err
	}
	l.Console.Took("artifacts", "built version "+made.Version+" for "+architecture, time.Since(began))
	l.Console.Text(made.Dir)
	return nil
}
