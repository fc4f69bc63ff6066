package part

import (
	"strings"
	"syscall"

	"github.com/earshot-hq/earshot/services/localstack/internal/process"
)

// A Simulator stands in for Amazon Connect. It keeps nothing: its instances are the same whenever it starts.
type Simulator struct {
	bench     *Bench
	binary    string
	instances []string // ARNs
}

// NewSimulator returns the stand-in whose binary BuildService has made, with Connect instances of these ARNs.
func NewSimulator(b *Bench, binary string, instances ...string) *Simulator {
	return &Simulator{bench: b, binary: binary, instances: instances}
}

// URL is where it answers.
func (s *Simulator) URL() string { return "http://" + Loopback(s.bench.Ports.Simulator) }

// Part is it as a process.
func (s *Simulator) Part() process.Part {
	return process.Part{
		Name: "simulator", Patience: patience, StopSignal: syscall.SIGTERM,
		Command: func() (process.Command, error) {
			home := s.bench.Workspace.State
			return process.Command{Path: s.binary, Dir: home, Environment: append(plainEnvironment(home),
				"EARSHOT_LISTEN="+Loopback(s.bench.Ports.Simulator), "EARSHOT_MEDIA_ADDRESS=127.0.0.1",
				"EARSHOT_INSTANCES="+strings.Join(s.instances, ","))}, nil
		},
		Ready: answers(freshClient(nil), s.URL()+"/healthz", nil),
	}
}
