package part

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/services/localstack/internal/certs"
)

// The second node has a certificate of its own under the same authority, so that a cell needs to know one authority only.
func TestTheSecondNodeGetsItsOwnCertificate(t *testing.T) {
	t.Parallel()
	shared := &OpenSearch{folder: t.TempDir()}
	from, to := filepath.Join(shared.folder, "config"), t.TempDir()
	if err := os.Mkdir(from, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := certs.Make(from, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := shared.giveCertificates(to); err != nil {
		t.Fatal(err)
	}
	for name, wantSame := range map[string]bool{certs.CA: true, certs.Node: false, certs.NodeKey: false} {
		first, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		second, err := os.ReadFile(filepath.Join(to, name))
		if err != nil || bytes.Equal(first, second) != wantSame {
			t.Errorf("%s is the same: %t, want %t, %v", name, !wantSame, wantSame, err)
		}
	}
}

// A state is marked as one with a second node only when that node can start.
func TestAStateOfOneNodeSaysHowToGetASecond(t *testing.T) {
	t.Parallel()
	w := place(t)
	w.Servers = w.State
	to := w.ServerPath(dedicatedName, "config")
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	err := (&OpenSearch{folder: t.TempDir()}).giveCertificates(to)
	if err == nil || !strings.Contains(err.Error(), "make clean") || KeepsDedicated(w) {
		t.Errorf("got %v; it keeps a second node: %t", err, KeepsDedicated(w))
	}
	if err := os.WriteFile(filepath.Join(to, certs.CA), nil, 0o600); err != nil || !KeepsDedicated(w) {
		t.Errorf("a state that had a second node forgets it: %v", err)
	}
}
