package part_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/earshot-hq/earshot/services/localstack/internal/part"
)

func program(t *testing.T, dir, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestTheMachinesBrowserIsTaken(t *testing.T) {
	dir := t.TempDir()
	program(t, dir, "chromium", "")
	t.Setenv("PATH", dir)
	if found, err := part.Chromium(t.Context()); err != nil || found != filepath.Join(dir, "chromium") {
		t.Errorf("found %q (%v)", found, err)
	}
}

func TestAMissingBrowserIsInstalledOrAskedFor(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	var missing *part.MissingError
	if _, err := part.Chromium(t.Context()); !errors.As(err, &missing) {
		t.Fatalf("without a package manager: %v", err)
	}
	if os.Geteuid() != 0 {
		return // only root may install
	}
	program(t, dir, "apt-get", "echo no such package; exit 100\n")
	if _, err := part.Chromium(t.Context()); !errors.As(err, &missing) {
		t.Errorf("when installing fails: %v", err)
	}
	program(t, dir, "apt-get", "[ \"$1\" = -qq ] || exit 1\n[ \"$2\" = update ] || { echo '#!/bin/sh' > "+dir+"/chromium; /bin/chmod +x "+dir+"/chromium; }\n")
	if found, err := part.Chromium(t.Context()); err != nil || found != filepath.Join(dir, "chromium") {
		t.Errorf("after installing: %q (%v)", found, err)
	}
}
