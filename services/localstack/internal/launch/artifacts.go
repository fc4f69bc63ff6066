package launch

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/earshot-hq/earshot/services/localstack/internal/bundle"
	"github.com/earshot-hq/earshot/services/localstack/internal/npm"
	"github.com/earshot-hq/earshot/services/localstack/internal/part"
	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// builder builds for every state of the checkout: bundles are named by their content, so states may share them.
func (l *Launcher) builder(w *workspace.Workspace, architecture string) bundle.Builder {
	return bundle.Builder{
		Root: l.Root, Builds: l.common("build"), Bundles: l.common("artifacts"), Architecture: architecture, Site: l.site(w).Build,
	}
}

// site is the softphone's project.
func (l *Launcher) site(w *workspace.Workspace) npm.Project {
	return npm.Project{
		Dir: filepath.Join(l.Root, "softphone"), Cache: l.common("build", "site"),
		Node: func(ctx context.Context) (npm.Runtime, error) {
			return part.FindNode(ctx, l.python(w), l.Requirements.Node)
		},
		Report: func(line string) { l.Console.Line("fetch", line) },
	}
}

// NPM runs npm in the softphone's project, with all that it is developed with, and returns npm's exit code.
func (l *Launcher) NPM(ctx context.Context, arguments []string) (int, error) {
	w, err := workspace.Open(l.Root, workspace.OwnState(l.Root))
	if err != nil {
		return 1, err
	}
	err = l.site(w).Run(ctx, arguments...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// common is a path below the folder that all states of the checkout share.
func (l *Launcher) common(elements ...string) string {
	return filepath.Join(append([]string{workspace.OwnState(l.Root)}, elements...)...)
}

// Artifacts builds the artifacts for a processor, by Go's name for it, and prints where they are.
func (l *Launcher) Artifacts(ctx context.Context, architecture string) error {
	w, err := workspace.Open(l.Root, workspace.OwnState(l.Root))
	if err != nil {
		return err
	}
	began := time.Now()
	made, err := l.builder(w, architecture).Build(ctx)
	if err != nil {
		return err
	}
	l.Console.Took("artifacts", "built version "+made.Version+" for "+architecture, time.Since(began))
	l.Console.Text(made.Dir)
	return nil
}
