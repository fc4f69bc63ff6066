package part

import (
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/earshot-hq/earshot/services/localstack/internal/process"
)

// A Simulator stands in for Amazon Connect. It keeps nothing: its instances are the same whenever it starts.
type Simulator struct {
	bench     *Bench
	binary    string
	streams   string   // the library of the frame
	rtc       string   // the RTC library of the frame; empty: a stand-in
	instances []string // ARNs
}

// CCPHost is where browsers find the CCP. It is of one site with what the emulator's CloudFront serves: browsers that keep
// cookies and storage from the frames of other sites let an agent sign in all the same.
const CCPHost = "ccp.cloudfront.localhost"

// NewSimulator returns the stand-in whose binary BuildService has made, with Connect instances of these ARNs. The first is the
// one whose CCP it is; softphone is the project that has Connect's library among its packages; rtc is
// the RTC library, a file, or empty.
func NewSimulator(b *Bench, binary, softphone, rtc string, instances ...string) *Simulator {
	streams := filepath.Join(softphone, "node_modules", "amazon-connect-streams", "release", "connect-streams-min.js")
	return &Simulator{bench: b, binary: binary, streams: streams, rtc: rtc, instances: instances}
}

// CCP is the address of its Contact Control Panel, in the form that the admin API keeps.
func (s *Simulator) CCP() string {
	return "http://" + CCPHost + ":" + strconv.Itoa(s.bench.Ports.Simulator) + "/ccp-v2"
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
				"EARSHOT_STREAMS_JS="+s.streams, "EARSHOT_RTC_JS="+s.rtc, "EARSHOT_LISTEN="+Loopback(s.bench.Ports.Simulator), "EARSHOT_MEDIA_ADDRESS=127.0.0.1",
				"EARSHOT_INSTANCES="+strings.Join(s.instances, ","))}, nil
		},
		Ready: answers(freshClient(nil), s.URL()+"/healthz", nil),
	}
}
