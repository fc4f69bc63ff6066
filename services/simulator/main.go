// Simulator stands in for Amazon Connect on one machine. So far it answers the calls that read an agent directory and nothing
// else; package fakeconnect says where it is kinder than Connect. It is never deployed.
//
// Settings: EARSHOT_LISTEN, host and port (127.0.0.1:8085); EARSHOT_INSTANCES, the ARNs of the Connect instances that there are
// from the start, with commas between them; EARSHOT_AGENTS, how many agents each of them has (60).
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/earshot-hq/earshot/internal/service"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/services/simulator/fakeconnect"
)

type simulatorSettings struct {
	Listen    string   `env:"LISTEN" envDefault:"127.0.0.1:8085"`
	Instances []string `env:"INSTANCES"`
	Agents    int      `env:"AGENTS" envDefault:"60"`
}

func main() {
	log := service.NewLogger(os.Stderr, "simulator", slog.LevelInfo)
	if err := run(context.Background(), log); err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	s, err := settings.Load[simulatorSettings]()
	if err != nil {
		return err
	}
	connect := fakeconnect.New()
	for _, arn := range s.Instances {
		if err := connect.SetInstance(arn, s.Agents); err != nil {
			return err
		}
	}
	return service.Until(ctx, simulator{service.NewServer(s.Listen, control(connect), log, nil)}, log)
}

// simulator is the process.
type simulator struct{ server *service.Server }

// Run starts it.
func (s simulator) Run(ctx context.Context) error { return s.server.Start(ctx) }

// Close ends it.
func (s simulator) Close(ctx context.Context) error { return s.server.Stop(ctx) }
