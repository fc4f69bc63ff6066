// Command localstack runs the whole product on one machine, for developers and tests.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/services/localstack/internal/console"
	"github.com/earshot-hq/earshot/services/localstack/internal/launch"
	"github.com/earshot-hq/earshot/services/localstack/internal/part"
	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

//go:embed requirements.txt
var awsRequirements []byte

//go:embed requirements-maven.txt
var mavenRequirements []byte

//go:embed requirements-java.txt
var javaRequirements []byte

//go:embed requirements-node.txt
var nodeRequirements []byte

const usage = `usage: localstack COMMAND

  up                start everything, onboard the tenant acme, keep running until Ctrl-C
  down              stop what up started
  clean             stop it and forget its state
  test -- CMD…      run CMD with fresh servers for tests
  artifacts         build what the stacks are made from; --arch arm64 for AWS
  portal            build the portal into the admin service's sources
  chromium          print where the browser of the tests is; Debian's root is given one
  npm PROJECT ARG…  run npm in softphone/, portal/ or api/, with what its lock file pins
  token             print a bearer token for the admin API
  demo-call [--browser] [SLUG]  send calls of four minutes to a tenant, or take one in Chromium; the last lines are verdicts, as JSON

EARSHOT_LOCAL=DIR keeps the state elsewhere than in .local; EARSHOT_MAVEN_URL asks another Maven repository.
EARSHOT_DEDICATED_SEARCH=true has up start a second search node, without which there are no dedicated tenants here.
EARSHOT_DASHBOARDS_URL=URL has the gateway of up lead to an OpenSearch Dashboards that you run.
EARSHOT_RTC_JS=FILE is Amazon's connect-rtc.js, for the simulator's panel and for tenants whose softphone owns the media.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals()...)
	code, err := run(ctx, os.Args[1:])
	isStopped := ctx.Err() != nil // then whatever was under way says that it was cut off
	stop()
	if err != nil && !isStopped {
		fmt.Fprintln(os.Stderr, "localstack:", err)
	}
	os.Exit(code)
}

// stopSignals end the launcher in an orderly way. A hang-up does too, unless whoever started it asked to be spared (nohup).
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

func run(ctx context.Context, arguments []string) (int, error) {
	if asksForHelp(arguments) {
		fmt.Print(usage)
		return 0, nil
	}
	out := os.Stdout
	if slices.Contains([]string{"chromium", "npm", "test", "token"}, arguments[0]) {
		out = os.Stderr // standard output is the command's, or the answer's alone
	}
	command, rest := arguments[0], arguments[1:]
	if slices.Contains([]string{"up", "down", "clean", "portal", "chromium", "token"}, command) && len(rest) > 0 {
		return 2, fmt.Errorf("%s takes no argument, and was given %q", command, rest)
	}
	if command == "chromium" {
		path, err := part.Chromium(ctx)
		if err == nil {
			fmt.Println(path)
		}
		return exitCode(err)
	}
	l, err := newLauncher(out)
	if err != nil {
		return 1, err
	}
	switch command {
	case "test":
		if len(rest) > 0 && rest[0] == "--" {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return 2, errors.New("test needs a command: localstack test -- go test ./…")
		}
		return l.Test(ctx, rest)
	case "up":
		return exitCode(l.Up(ctx))
	case "down":
		return exitCode(l.Down(ctx))
	case "clean":
		return exitCode(l.Clean(ctx))
	case "artifacts":
		return exitCode(artifacts(ctx, l, rest))
	case "portal":
		return exitCode(l.Portal(ctx))
	case "npm":
		return l.NPM(ctx, rest)
	case "token":
		token, err := l.Token(ctx)
		if err == nil {
			fmt.Println(token)
		}
		return exitCode(err)
	case "demo-call":
		return exitCode(demoCall(ctx, l, rest))
	default:
		return 2, fmt.Errorf("there is no command %q\n\n%s", command, usage)
	}
}

// asksForHelp tells whether usage is wanted. What follows npm and test belongs to another program.
func asksForHelp(arguments []string) bool {
	if len(arguments) == 0 || arguments[0] == "help" {
		return true
	}
	if slices.Contains([]string{"npm", "test"}, arguments[0]) {
		return false
	}
	return slices.ContainsFunc(arguments, func(a string) bool { return a == "-h" || a == "--help" || a == "-help" })
}

func exitCode(err error) (int, error) {
	if err != nil {
		return 1, err
	}
	return 0, nil
}

func demoCall(ctx context.Context, l *launch.Launcher, arguments []string) error {
	flags := flag.NewFlagSet("demo-call", flag.ContinueOnError)
	isTaken := flags.Bool("browser", false, "an agent takes the call in a headless Chromium")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() > 1 {
		return fmt.Errorf("demo-call takes one tenant's slug, and was given %q", flags.Args())
	}
	of := launch.DemoTenant
	if flags.NArg() > 0 {
		parsed, err := slug.Parse(flags.Arg(0))
		if err != nil {
			return fmt.Errorf("demo-call: %w", err)
		}
		of = parsed.String()
	}
	if *isTaken {
		return l.DemoBrowserCall(ctx, of)
	}
	return l.DemoCall(ctx, of)
}

func artifacts(ctx context.Context, l *launch.Launcher, arguments []string) error {
	flags := flag.NewFlagSet("artifacts", flag.ContinueOnError)
	arch := flags.String("arch", runtime.GOARCH, "the functions' processor: amd64 or arm64")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	return l.Artifacts(ctx, *arch)
}

func newLauncher(out io.Writer) (*launch.Launcher, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	root, err := workspace.FindRoot(here)
	if err != nil {
		return nil, err
	}
	settings, err := launch.LoadSettings(root)
	if err != nil {
		return nil, err
	}
	return &launch.Launcher{
		Root: root, Settings: settings, Console: console.New(out),
		Requirements: part.Requirements{
			AWS: awsRequirements, Maven: mavenRequirements, Java: javaRequirements, Node: nodeRequirements,
		},
	}, nil
}
