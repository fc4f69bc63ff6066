package part

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// place is a state in which nothing has run.
func place(t *testing.T) *workspace.Workspace {
	t.Helper()
	return &workspace.Workspace{State: t.TempDir()}
}

func TestScratchStatesLeaveTheUsualPortsAlone(t *testing.T) {
	t.Parallel()
	remembered, err := place(t).Ports()
	if err != nil {
		t.Fatal(err)
	}
	ports, err := ChoosePorts(remembered, true, true, true)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{5432: true, 9200: true, 9201: true, 9300: true, 9301: true, 4566: true, 8080: true, 8082: true, 8083: true, 8085: true}
	for _, port := range []int{
		ports.Postgres, ports.OpenSearch, ports.OpenSearchNodes, ports.Dedicated, ports.DedicatedNodes, ports.AWS, ports.Simulator,
		ports.Admin, ports.AdminMetrics, ports.WorkerMetrics,
	} {
		if port == 0 || seen[port] {
			t.Errorf("port %d is given twice, or a usual one", port)
		}
		seen[port] = true
	}
	if ports.StacksMoved {
		t.Error("nothing has moved in a new state")
	}
	if again, err := ChoosePorts(remembered, true, true, true); err != nil || again != ports {
		t.Errorf("a scratch state that starts again has %+v (%v), and had %+v", again, err, ports)
	}
}

func TestJavaIsTakenWhenOpenSearchRunsOnIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		said string // by java -version
		want bool
	}{
		{`openjdk version "17.0.15" 2025-04-15`, true},
		{`java version "21.0.8" 2025-07-15 LTS`, true},
		{`openjdk version "23" 2024-09-17`, true},
		{`openjdk version "24.0.1" 2025-04-15`, false}, // it has no security manager
		{`openjdk version "11.0.27" 2025-04-15`, false},
		{`java version "1.8.0_452"`, false},
		{`The command java is not installed.`, false},
	} {
		home := t.TempDir()
		java := filepath.Join(home, "bin", "java")
		if err := os.MkdirAll(filepath.Dir(java), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(java, []byte("#!/bin/sh\necho '"+test.said+"' >&2\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := isUsable(context.Background(), home, place(t)); got != test.want {
			t.Errorf("%s: %v, want %v", test.said, got, test.want)
		}
	}
}
