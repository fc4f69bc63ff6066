// Package launch brings the local stack up and down: the order of things, what is told, what is written down.
package launch

import (
	"path/filepath"

	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/services/localstack/internal/console"
	"github.com/earshot-hq/earshot/services/localstack/internal/depot"
	"github.com/earshot-hq/earshot/services/localstack/internal/part"
	"github.com/earshot-hq/earshot/services/localstack/internal/process"
	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// Settings are the launcher's own.
type Settings struct {
	Local    string `env:"LOCAL"`     // the state's folder; default: .local of the checkout
	MavenURL string `env:"MAVEN_URL"` // the Maven repository; default: the Maven client's own
	// DedicatedSearch asks for a second search node, for dedicated tenants. A state that had one keeps it.
	DedicatedSearch bool `env:"DEDICATED_SEARCH"`
	// DashboardsURL is where somebody runs OpenSearch Dashboards, before the search of up; empty: nobody does.
	DashboardsURL string `env:"DASHBOARDS_URL"`
	// RTC is Amazon's connect-rtc.js, a file, for the panel and for tenants whose softphone owns the media; empty: the panel has
	// the simulator's stand-in, and such softphones lack it.
	RTC string `env:"RTC_JS"`
}

// LoadSettings reads the environment; root is the repository.
func LoadSettings(root string) (Settings, error) {
	loaded, err := settings.Load[Settings]()
	if err != nil {
		return loaded, err
	}
	if loaded.Local == "" {
		loaded.Local = workspace.OwnState(root)
	}
	if loaded.RTC != "" {
		if loaded.RTC, err = filepath.Abs(loaded.RTC); err != nil {
			return loaded, err
		}
	}
	loaded.Local, err = filepath.Abs(loaded.Local)
	return loaded, err
}

// A Launcher knows the checkout and how to tell what it does.
type Launcher struct {
	Root         string // the repository
	Settings     Settings
	Requirements part.Requirements
	Console      *console.Console
}

// bench prepares the state w for parts.
func (l *Launcher) bench(w *workspace.Workspace, fleeting bool) (*part.Bench, error) {
	remembered, err := w.Ports()
	if err != nil {
		return nil, err
	}
	hasDedicated := !fleeting && (l.Settings.DedicatedSearch || part.KeepsDedicated(w))
	hasDashboards := !fleeting && l.Settings.DashboardsURL != ""
	ports, err := part.ChoosePorts(remembered, w.State != workspace.OwnState(l.Root), hasDedicated, hasDashboards)
	if err != nil {
		return nil, err
	}
	secrets, err := w.Secrets()
	if err != nil {
		return nil, err
	}
	report := func(line string) { l.Console.Line("fetch", line) }
	python := l.python(w)
	repository := python.MavenRepository(l.Requirements.Maven)
	if l.Settings.MavenURL != "" {
		repository = depot.At(l.Settings.MavenURL)
	}
	return &part.Bench{
		Workspace: w, Ports: ports, Secrets: secrets, Fleeting: fleeting, HasDedicated: hasDedicated, HasDashboards: hasDashboards,
		Report: report, Requirements: l.Requirements,
		Depot:  depot.New(repository, depot.CacheDir(filepath.Join(w.Software, "downloads")), report),
		Python: python,
	}, nil
}

// python makes the virtual environments of the state w.
func (l *Launcher) python(w *workspace.Workspace) *part.Python {
	return &part.Python{Workspace: w, Report: func(line string) { l.Console.Line("fetch", line) }}
}

// tell prints what the supervisor sees.
func (l *Launcher) tell(e process.Event) {
	switch {
	case e.Err != nil:
		l.Console.Line(e.Part, e.What+": "+e.Err.Error())
	case e.Took > 0:
		l.Console.Took(e.Part, e.What, e.Took)
	default:
		l.Console.Line(e.Part, e.What)
	}
}
