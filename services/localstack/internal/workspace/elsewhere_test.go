package workspace

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAbandonedFoldersAreFound(t *testing.T) {
	t.Parallel()
	elsewhere, kept, gone := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "gone")
	for name, state := range map[string]string{"used": kept, "left": gone} {
		w := &Workspace{State: state, Servers: filepath.Join(elsewhere, name)}
		if err := os.Mkdir(w.Servers, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := w.noteOwner(); err != nil {
			t.Fatal(err)
		}
	}
	stranger := filepath.Join(elsewhere, "stranger")
	if err := os.Mkdir(stranger, 0o755); err != nil {
		t.Fatal(err)
	}
	found, err := findAbandoned(elsewhere)
	if err != nil || len(found) != 1 || found[0].State != gone {
		t.Fatalf("%v, %v", found, err)
	}
	if err := found[0].Remove(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) != 2 {
		t.Errorf("left %v, %v", left, err)
	}
}
