package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ownerFile, in a folder elsewhere, names the state that the folder stands for.
const ownerFile = "state-is"

// noteOwner lets a later launcher find out that the state is gone and nobody needs the folder any more.
func (w *Workspace) noteOwner() error {
	if w.Servers == w.State {
		return nil
	}
	return WriteFile(filepath.Join(w.Servers, ownerFile), 0o644, []byte(w.State+"\n"))
}

// An Abandoned is a folder elsewhere whose state somebody has deleted, such as a test its temporary one.
type Abandoned struct{ State, Folder string }

// FindAbandoned returns the folders elsewhere whose state is gone. A folder that does not say whose it is belongs to nobody
// whom this launcher may judge.
func FindAbandoned() ([]Abandoned, error) { return findAbandoned(elsewhere) }

func findAbandoned(elsewhere string) ([]Abandoned, error) {
	notes, err := filepath.Glob(filepath.Join(elsewhere, "*", ownerFile))
	if err != nil {
		return nil, err
	}
	var found []Abandoned
	for _, note := range notes {
		content, err := os.ReadFile(note)
		if err != nil {
			continue // being removed by another launcher
		}
		state := strings.TrimSpace(string(content))
		if _, err := os.Stat(state); errors.Is(err, fs.ErrNotExist) {
			found = append(found, Abandoned{State: state, Folder: filepath.Dir(note)})
		}
	}
	return found, nil
}

// Remove deletes the folder. Nothing may run in it.
func (a Abandoned) Remove() error { return os.RemoveAll(a.Folder) }
