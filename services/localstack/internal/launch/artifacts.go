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
func (l *Launcher) site(w *workspace.Workspace) npm.Project { return l.project(w, "softphone", "site") }

// portal is the admins' project.
func (l *Launcher) portal(w *workspace.Workspace) npm.Project {
	return l.project(w, "portal", "portal")
}

func (l *Launcher) project(w *workspace.Workspace, dir, cache string) npm.Project {
	return npm.Project{
		Dir: filepath.Join(l.Root, dir), Cache: l.common("build", cache),
		Node: func(ctx context.Context) (npm.Runtime, error) {
			return part.FindNode(ctx, l.python(w), l.Requirements.Node)
		},
		Report: func(line string) { l.Console.Line("fetch", line) },
	}
}

// embedPortal builds the portal and puts it where the admin service's binary takes it from.
func (l *Launcher) embedPortal(ctx context.Context, w *workspace.Workspace) error {
	return l.portal(w).Deliver(ctx, filepath.Join(l.Root, "services", "admin", "internal", "pages", "site"))
}

// Portal is embedPortal for whoever builds the admin service without the launcher.
func (l *Launcher) Portal(ctx context.Context) error {
	w, err := workspace.Open(l.Root, workspace.OwnState(l.Root))
	if err != nil {
		return err
	}
	began := time.Now()
	if err := l.embedPortal(ctx, w); err != nil {
		return err
	}
	l.Console.Took("portal", "built", time.Since(began))
	return nil
}

// NPM runs npm in the project that the first argument names, with all that it is developed with, and returns npm's exit code.
func (l *Launcher) NPM(ctx context.Context, arguments []string) (int, error) {
	w, err := workspace.Open(l.Root, workspace.OwnState(l.Root))
	if err != nil {
		return 1, err
	}
	projects := map[string]npm.Project{"softphone": l.site(w), "portal": l.portal(w), "api": l.project(w, "api", "api")}
	if len(arguments) == 0 {
		return 2, errNoProject
	}
	project, known := projects[arguments[0]]
	if !known {
		return 2, errNoProject
	}
	err = project.Run(ctx, arguments[1:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

var errNoProject = errors.New("npm needs a project: localstack npm softphone|portal|api ARG…")

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
