package process

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const testPatience = 30 * time.Second

// stage is a state with a supervisor whose events are kept.
type stage struct {
	*Supervisor
	events chan Event
}

func setup(t *testing.T) *stage {
	t.Helper()
	state := t.TempDir()
	for _, folder := range []string{"log", "run"} {
		if err := os.Mkdir(filepath.Join(state, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	events := make(chan Event, 100)
	s := &stage{Supervisor: New(state, func(e Event) { events <- e }), events: events}
	t.Cleanup(func() { s.Close() })
	return s
}

// await returns the next event of this kind.
func (s *stage) await(t *testing.T, what string) Event {
	t.Helper()
	timeout := time.After(testPatience)
	for {
		select {
		case e := <-s.events:
			if e.What == what {
				return e
			}
		case <-timeout:
			t.Fatalf("nothing was %s", what)
		}
	}
}

// player is a part that is ready when it has said so.
func (s *stage) player(name string, addresses ...string) Part {
	return Part{
		Name: name, Patience: testPatience, StopSignal: syscall.SIGTERM,
		Command: func() (Command, error) {
			return Command{Path: os.Args[0], Arguments: append([]string{helper}, addresses...)}, nil
		},
		Ready: func(context.Context) error {
			log, err := os.ReadFile(s.LogFile(name))
			if err == nil && !strings.Contains(string(log), "ready") {
				err = errors.New("it has not said so")
			}
			return err
		},
	}
}

func TestAPartThatDiesIsStartedAgain(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var mu sync.Mutex
	restarted := 0
	part := s.player("part")
	part.Restarted = func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		restarted++
		return nil
	}
	if err := s.Start(t.Context(), part); err != nil {
		t.Fatal(err)
	}
	first := s.PIDs()["part"]
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if e := s.await(t, "died"); e.Err == nil || !strings.Contains(e.Err.Error(), "killed") {
		t.Errorf("it died of %v", e.Err)
	}
	s.await(t, "ready again")
	second := s.PIDs()["part"]
	if second == 0 || second == first {
		t.Errorf("process %d after %d", second, first)
	}
	mu.Lock()
	defer mu.Unlock()
	if restarted != 1 {
		t.Errorf("Restarted was called %d times", restarted)
	}
}

func TestPartsAreStoppedInOrder(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, name := range []string{"base", "first", "last"} {
		if err := s.Start(t.Context(), s.player(name)); err != nil {
			t.Fatal(err)
		}
	}
	s.Close("first")
	var stopped []string
	for range 3 {
		stopped = append(stopped, s.await(t, "stopped").Part)
	}
	if want := []string{"first", "last", "base"}; !slices.Equal(stopped, want) {
		t.Errorf("stopped %v, want %v", stopped, want)
	}
	if err := s.Start(t.Context(), s.player("late")); !errors.Is(err, ErrClosed) {
		t.Errorf("a part was started after Close: %v", err)
	}
	if left := marked(marker + "=" + s.state); len(left) != 0 {
		t.Errorf("%d processes are left", len(left))
	}
}

func TestAPartThatEndsEarlyTellsItsLog(t *testing.T) {
	t.Parallel()
	s := setup(t)
	err := s.Start(t.Context(), Part{
		Name: "broken", Patience: testPatience, StopSignal: syscall.SIGTERM,
		Command: func() (Command, error) {
			return Command{Path: "/bin/sh", Arguments: []string{"-c", "echo the disk is full; exit 3"}}, nil
		},
		Ready: func(context.Context) error { return errors.New("never") },
	})
	if err == nil || !strings.Contains(err.Error(), "the disk is full") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
}

func TestWhatAPartLeavesIsSweptAway(t *testing.T) {
	t.Parallel()
	s := setup(t)
	if err := s.Start(t.Context(), Part{
		Name: "parent", Patience: testPatience, StopSignal: syscall.SIGTERM,
		Command: func() (Command, error) {
			return Command{Path: "/bin/sh", Arguments: []string{"-c", "sleep 1000 & echo $! > child; wait"}, Dir: s.state, Environment: os.Environ()}, nil
		},
		Ready: func(context.Context) error {
			content, err := os.ReadFile(filepath.Join(s.state, "child"))
			if err == nil && len(content) == 0 {
				err = errors.New("not yet written")
			}
			return err
		},
	}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(s.state, "child"))
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		t.Fatal(err)
	}
	record, err := RecordOf(child)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if record.Alive() {
		t.Error("the part's child is alive")
	}
	if _, err := statOf(child); err == nil {
		t.Error("the part's child is a zombie")
	}
}

func TestRecordKnowsAProcessFromItsSuccessor(t *testing.T) {
	t.Parallel()
	self, err := RecordOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	earlier, otherBoot := self, self
	earlier.Started = "1"
	otherBoot.Boot = "00000000-0000-0000-0000-000000000000"
	for _, test := range []struct {
		name   string
		record Record
		want   bool
	}{
		{"this process", self, true},
		{"the same number, started at another time", earlier, false},
		{"the same number, before the machine was started anew", otherBoot, false},
		{"nobody", Record{}, false},
	} {
		if got := test.record.Alive(); got != test.want {
			t.Errorf("%s: alive is %v", test.name, got)
		}
	}
}

func TestLeftoversAreStoppedAndStrangersSpared(t *testing.T) {
	t.Parallel()
	s := setup(t)
	recorded, inherited, stranger := orphan(t, ""), orphan(t, marker+"="+s.state), orphan(t, marker+"="+s.state+"2")
	if err := s.write("postgres", recorded.PID); err != nil {
		t.Fatal(err)
	}
	// The number of a part that is gone belongs to a stranger by now.
	old := `{"pid": ` + strconv.Itoa(stranger.PID) + `, "started": "1", "boot": "` + stranger.Boot + `"}`
	if err := os.WriteFile(s.file("aws"), []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file("damaged"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if stopped, err := StopLeftovers(t.Context(), s.state); err != nil || stopped != 2 {
		t.Errorf("stopped %d, %v; want 2", stopped, err)
	}
	if recorded.Alive() || inherited.Alive() {
		t.Error("a leftover is alive")
	}
	if !stranger.Alive() {
		t.Error("a stranger was stopped")
	}
}

// orphan is a process that nobody supervises.
func orphan(t *testing.T, environment string) Record {
	t.Helper()
	command := exec.Command("sleep", "1000")
	command.Env = append(os.Environ(), environment)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // it is killed
		close(ended)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended
		<-ended
	})
	record, err := RecordOf(command.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func TestListenersFindsWhatOthersMayReach(t *testing.T) {
	t.Parallel()
	s := setup(t)
	if err := s.Start(t.Context(), s.player("open", "127.0.0.1:0", "[::1]:0", "0.0.0.0:0")); err != nil {
		t.Fatal(err)
	}
	found, err := Listeners(s.state)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, listener := range found {
		counts[listener.Network+" "+listener.Address.Addr().String()]++
	}
	for _, want := range []string{"tcp 127.0.0.1", "udp 127.0.0.1", "tcp6 ::1", "udp6 ::1", "tcp 0.0.0.0", "udp 0.0.0.0"} {
		if counts[want] != 1 {
			t.Errorf("%s: found %d, want 1; all: %v", want, counts[want], counts)
		}
	}
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0100007F:1F90":                         "127.0.0.1:8080",
		"00000000:22B3":                         "0.0.0.0:8883",
		"00000000000000000000000001000000:0050": "[::1]:80",
		"0000000000000000FFFF00000100007F:0050": "127.0.0.1:80",
	} {
		if got, err := parseAddress(text); err != nil || got != netip.MustParseAddrPort(want) {
			t.Errorf("%s: %v, %v; want %s", text, got, err, want)
		}
	}
}
