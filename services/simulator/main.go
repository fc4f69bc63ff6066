// Simulator stands in for Amazon Connect on one machine: the calls that read an agent directory (package fakeconnect), and a
// contact centre that a real softphone works in (packages ccp, site, media and relay). Each package says where it is kinder than
// Connect and what it leaves out. It is never deployed, and asks nobody who they are.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/earshot-hq/earshot/internal/service"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/services/simulator/fakeconnect"
	"github.com/earshot-hq/earshot/services/simulator/internal/ccp"
	"github.com/earshot-hq/earshot/services/simulator/internal/media"
	"github.com/earshot-hq/earshot/services/simulator/internal/relay"
	"github.com/earshot-hq/earshot/services/simulator/internal/site"
)

type simulatorSettings struct {
	// Listen is the host and port of everything but media.
	Listen string `env:"LISTEN" envDefault:"127.0.0.1:8085"`
	// Instances are the ARNs of the Connect instances that there are from the start; the first is the one whose CCP it is.
	Instances []string `env:"INSTANCES"`
	// Agents is how many agents each of them has in its directory.
	Agents int `env:"AGENTS" envDefault:"60"`
	// MediaAddress is the IP address of TURN and media; empty: that of the machine's first interface. Chromium takes 127.0.0.1
	// with --allow-loopback-in-peer-connection alone.
	MediaAddress string `env:"MEDIA_ADDRESS"`
	// Seed decides which packets the relay loses.
	Seed uint64 `env:"SEED" envDefault:"1"`
	// Streams is the path of a release of the npm package amazon-connect-streams.
	Streams string `env:"STREAMS_JS" envDefault:"softphone/node_modules/amazon-connect-streams/release/connect-streams-min.js"`
	// RTC is the path of a connect-rtc.js; empty: the stand-in for its session.
	RTC string `env:"RTC_JS"`
	// BufferDelay has the stand-in speak as connect-rtc-js does from 1.3 on.
	BufferDelay bool `env:"BUFFER_DELAY"`
	// ApprovedOrigins are those that may frame the CCP; none: all may.
	ApprovedOrigins []string `env:"APPROVED_ORIGINS"`
}

const usage = `usage: simulator

A stand-in for Amazon Connect on one machine, which asks nobody who they are. Settings come from the environment.

  EARSHOT_LISTEN            host and port of everything but media (127.0.0.1:8085)
  EARSHOT_INSTANCES         ARNs of Connect instances, with commas between; the first is the one whose panel it is
                            (none: no directory, and the panel of an instance of its own)
  EARSHOT_AGENTS            how many agents each of them has in its directory (60)
  EARSHOT_MEDIA_ADDRESS     IP address of TURN and media (that of the machine's first interface)
  EARSHOT_SEED              decides which packets the relay loses (1)
  EARSHOT_STREAMS_JS        a release of amazon-connect-streams
                            (softphone/node_modules/amazon-connect-streams/release/connect-streams-min.js)
  EARSHOT_RTC_JS            a connect-rtc.js (the stand-in for its session)
  EARSHOT_BUFFER_DELAY      the stand-in speaks as connect-rtc-js does from 1.3 on (false)
  EARSHOT_APPROVED_ORIGINS  that may frame the panel, with commas between (all)
`

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, logs io.Writer) error {
	if len(args) > 0 {
		_, err := io.WriteString(out, usage)
		return err
	}
	log := service.NewLogger(logs, "simulator", slog.LevelInfo)
	s, err := settings.Load[simulatorSettings]()
	if err != nil {
		return err
	}
	simulator, err := newSimulator(ctx, s, log)
	if err != nil {
		return err
	}
	return service.Until(ctx, simulator, log)
}

// simulator is the process.
type simulator struct {
	handler http.Handler
	server  *service.Server
	centre  *ccp.Centre
	relay   *relay.Server
}

// anyInstance is whose CCP it is when no instance was named.
const anyInstance = "arn:aws:connect:us-west-2:123456789012:instance/00000000-0000-4000-8000-000000000000"

func newSimulator(ctx context.Context, s simulatorSettings, log *slog.Logger) (*simulator, error) {
	directory, instance := fakeconnect.New(), anyInstance
	for n, arn := range s.Instances {
		if err := directory.SetInstance(arn, s.Agents); err != nil {
			return nil, err
		}
		if n == 0 {
			instance = arn
		}
	}
	address, err := mediaAddress(s.MediaAddress)
	if err != nil {
		return nil, err
	}
	engine, err := media.NewEngine(address)
	if err != nil {
		return nil, err
	}
	turn, err := relay.Listen(ctx, netip.AddrPortFrom(address, 0), s.Seed)
	if err != nil {
		return nil, err
	}
	log.InfoContext(ctx, "relaying media", "address", turn.Address().String())
	who := func(username string) (ccp.Person, bool) {
		found, ok := directory.Agent(instance, username)
		return ccp.Person(found), ok
	}
	centre := ccp.New(instance, who, ccp.ICEServer{URL: turn.URL(), Password: turn.Password()}, engine)
	pages := site.New(centre, site.Options{
		Streams: s.Streams, RTC: s.RTC, BufferDelay: s.BufferDelay, ApprovedOrigins: s.ApprovedOrigins, Region: region(instance),
	})
	handler := control(directory, pages, drive(centre, turn))
	return &simulator{handler, service.NewServer(s.Listen, handler, log, nil), centre, turn}, nil
}

// Run starts it.
func (s *simulator) Run(ctx context.Context) error { return s.server.Start(ctx) }

// Close ends it, calls first.
func (s *simulator) Close(ctx context.Context) error {
	s.centre.Close()
	return errors.Join(s.server.Stop(ctx), s.relay.Close())
}

// mediaAddress is the one that was set, or the machine's first that is not the loopback; on a machine without a network, that.
func mediaAddress(set string) (netip.Addr, error) {
	if set != "" {
		address, err := netip.ParseAddr(set)
		if err != nil || !address.Is4() {
			return netip.Addr{}, fmt.Errorf("EARSHOT_MEDIA_ADDRESS %q: an IPv4 address of this machine is needed", set)
		}
		return address, nil
	}
	found, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range found {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Is4() && prefix.Addr().IsGlobalUnicast() {
			return prefix.Addr(), nil
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
}

// region is the fourth part of an ARN.
func region(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}
