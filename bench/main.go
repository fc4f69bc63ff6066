// Command bench starts the whole product and measures how fast it is: it prints a table, and writes the figures that have an
// aim to .local/bench.json. It fails when it cannot measure, not when an aim is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/slug"
)

// A bench is what every measure is taken with.
type bench struct {
	stack  *rig.Stack
	search *rig.Search
	admin  *rig.Admin
	dir    string // for files of this run
	out    io.Writer
	budget time.Duration // how long each measure repeats itself

	upgraded int // how many tenants are upgraded at most
}

// demo is the tenant that is there from the start.
const demo = slug.Slug("acme")

// A measure takes figures of one kind.
type measure struct {
	name string
	take func(context.Context, *bench) ([]sheet.Figure, error)
}

// measures are all that is measured, in order. Those that want the node to themselves come while it holds little.
var measures = []measure{
	{"onboard", onboard},
	{"searchable", sendToSearchable},
	{"verdict", reportToVerdict},
	{"indexer", indexerCPU},
	{"whole", wholePath},
	{"tenants", manyTenants},
	{"bytes", bytesPerRecord},
	{"questions", managersQuestions},
	{"insights", insightsViews},
	{"space", provisionSpace},
	{"list", tenantsList},
	{"watchers", watchers},
	{"gateway", behindGateway},
	{"pusher", pusherCPU},
	{"cost", costOfCalls},
	{"cold", coldStarts},
	{"traffic", traffic},
	{"upgrades", upgrades}, // leaves many tenants
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", "", "measure these alone, with commas between, and write no file: "+strings.Join(names(), ", "))
	budget := flags.Duration("budget", 30*time.Second, "how long each measure repeats itself; what it measures in, it makes first, and three runs it takes whatever they last, after one that warms up")
	upgraded := flags.Int("upgraded", 30, "how many tenants the measure upgrades has")
	launcher := flags.String("launcher", ".local/bin/localstack", "the built launcher")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	loaded, err := settings.Load[struct {
		Local string `env:"LOCAL" envDefault:".local"`
	}]()
	if err != nil {
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	local, err := filepath.Abs(loaded.Local)
	if err != nil {
		return err
	}
	program, err := filepath.Abs(*launcher)
	if err != nil {
		return err
	}
	if err := areKnown(*only); err != nil {
		return err
	}
	figures, err := measureIn(ctx, &bench{out: out, budget: *budget, upgraded: *upgraded}, root, program, filepath.Join(local, "bench"), *only)
	if *only != "" || len(figures) == 0 || ctx.Err() != nil { // the file is of all measures
		return err
	}
	return errors.Join(err, sheet.Save(filepath.Join(local, "bench.json"), figures))
}

// measureIn starts the product in a state, takes what is asked for and prints the table.
func measureIn(ctx context.Context, b *bench, root, launcher, state, only string) (figures []sheet.Figure, err error) {
	began := time.Now()
	b.tell("starting the product in a state of its own")
	if b.stack, err = rig.Start(ctx, root, launcher, state); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.stack.Stop()) }()
	if b.dir, err = os.MkdirTemp("", "earshot-bench-"); err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(b.dir) }() // nothing else is lost with it
	if b.search, err = b.stack.Search(); err != nil {
		return nil, err
	}
	if b.admin, err = b.stack.Admin(ctx, b.stack.AdminAPI); err != nil {
		return nil, err
	}
	asked := slices.DeleteFunc(slices.Clone(measures), func(m measure) bool {
		return only != "" && !slices.Contains(strings.Split(only, ","), m.name)
	})
	figures, err = b.takeAll(ctx, asked)
	b.tell(fmt.Sprintf("all in %.0f s", time.Since(began).Seconds()))
	return figures, errors.Join(err, sheet.Write(b.out, figures))
}

// takeAll takes one measure after the other. What cannot be measured, or not in time, becomes a row that says so, and does not hold up
// the rest. When ctx ends, so do the measures.
func (b *bench) takeAll(ctx context.Context, asked []measure) (figures []sheet.Figure, err error) {
	for i, m := range asked {
		b.tell(fmt.Sprintf("measuring %s, %d of %d", m.name, i+1, len(asked)))
		since := time.Now()
		taken, failure := b.take(ctx, m)
		if ctx.Err() != nil {
			return figures, errors.Join(err, ctx.Err())
		}
		if failure != nil {
			b.tell(fmt.Sprintf("%s could not be measured: %v", m.name, failure))
			err = errors.Join(err, fmt.Errorf("measure %s: %w", m.name, failure))
			figures = append(figures, sheet.Missing(m.name, failure))
			continue
		}
		b.tell(fmt.Sprintf("measured %s in %.0f s", m.name, time.Since(since).Seconds()))
		figures = append(figures, taken...)
	}
	return figures, err
}

// take takes one measure, within the time that is left to it, and refuses what is no figure.
func (b *bench) take(ctx context.Context, m measure) ([]sheet.Figure, error) {
	limit := patience + longest*b.budget
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it was given up after %s", limit))
	defer cancel()
	taken, err := m.take(ctx, b)
	if err == nil {
		err = sheet.Check(taken)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	return taken, err
}

// How long a measure may go on before it is given up: it makes what it measures in, and repeats itself.
const (
	patience = 8 * time.Minute // of a machine with much other work
	longest  = 6               // budgets
)

func names() []string {
	all := make([]string, 0, len(measures))
	for _, m := range measures {
		all = append(all, m.name)
	}
	return all
}

// areKnown refuses names of measures that there are not, before anything is started for them.
func areKnown(only string) error {
	if only == "" {
		return nil
	}
	for name := range strings.SplitSeq(only, ",") {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("there is no measure %q; there are %s", name, strings.Join(names(), ", "))
		}
	}
	return nil
}

// tell prints a line for a person.
func (b *bench) tell(line string) { _, _ = fmt.Fprintln(b.out, "bench: "+line) }
