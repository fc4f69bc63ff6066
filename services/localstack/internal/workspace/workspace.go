// Package workspace knows where a checkout keeps what the launcher fetched, made and remembers.
package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const moduleLine = "module github.com/earshot-hq/earshot"

// elsewhere is where root keeps what the servers' user must reach, when that user cannot reach the checkout.
const elsewhere = "/var/lib/earshot"

// A Workspace is one set of state: the checkout's own, or a scratch one for tests.
type Workspace struct {
	Root     string // the repository
	State    string // settings, secrets, logs, endpoints.json
	Servers  string // what the servers' user must reach: State itself, or a folder of it elsewhere
	Software string // unpacked archives, shared by all states of one checkout
	User     *User  // whom the servers that refuse root run as; nil: the launcher's own user
}

// A User is whom a process runs as.
type User struct{ UID, GID uint32 }

// FindRoot walks up from dir to the repository.
func FindRoot(dir string) (string, error) {
	for {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(content), moduleLine+"\n") {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("run this inside a checkout of Earshot")
		}
		dir = parent
	}
}

// OwnState is the folder of the checkout's own state.
func OwnState(root string) string { return filepath.Join(root, ".local") }

// Open prepares the state in dir, an absolute path.
func Open(root, dir string) (*Workspace, error) {
	own := OwnState(root)
	servers, err := serversUser()
	if err != nil {
		return nil, err
	}
	w := &Workspace{Root: root, State: dir, User: servers}
	if w.Servers, err = w.reachable(dir); err != nil {
		return nil, err
	}
	ownReachable, err := w.reachable(own)
	if err != nil {
		return nil, err
	}
	w.Software = filepath.Join(ownReachable, "software")
	for _, folder := range []string{w.State, w.Servers, w.Software, w.Path("log"), w.Path("run"), w.Path("bin")} {
		if err := makeReadable(folder); err != nil {
			return nil, err
		}
	}
	return w, w.noteOwner()
}

// serversUser is nobody for root, whom Postgres and OpenSearch refuse, and nil for everybody else.
func serversUser() (*User, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("nobody")
	if err != nil {
		return nil, errors.New("Postgres and OpenSearch refuse to run as root, and there is no user `nobody` to run them: " +
			"run this as an ordinary user, or create `nobody`")
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &User{UID: uint32(uid), GID: uint32(gid)}, nil
}

// reachable returns dir if the servers' user may walk to it, else a folder that stands for it.
func (w *Workspace) reachable(dir string) (string, error) {
	if w.User == nil || everybodyMayEnter(dir) {
		return dir, nil
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(absolute))
	return filepath.Join(elsewhere, hex.EncodeToString(sum[:6])), nil
}

// everybodyMayEnter looks at the folders that exist already; those that the launcher makes are open.
func everybodyMayEnter(dir string) bool {
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil || info.Mode().Perm()&0o001 == 0:
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// Path is a file of the state.
func (w *Workspace) Path(elements ...string) string {
	return filepath.Join(append([]string{w.State}, elements...)...)
}

// ServerPath is a file that the servers' user must reach.
func (w *Workspace) ServerPath(elements ...string) string {
	return filepath.Join(append([]string{w.Servers}, elements...)...)
}

// ServerFolder makes a folder of ServerPath that belongs to the servers' user alone.
func (w *Workspace) ServerFolder(elements ...string) (string, error) {
	dir := w.ServerPath(elements...)
	if err := makeReadable(filepath.Dir(dir)); err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return dir, w.Own(dir)
}

// Own gives a file to the servers' user.
func (w *Workspace) Own(name string) error {
	if w.User == nil {
		return nil
	}
	return os.Chown(name, int(w.User.UID), int(w.User.GID))
}

// Credential is what a process of the servers' user is started with.
func (w *Workspace) Credential() *syscall.Credential {
	if w.User == nil {
		return nil
	}
	return &syscall.Credential{Uid: w.User.UID, Gid: w.User.GID}
}

// Forget removes the state, and the software when the state is the checkout's own. Nothing may run in it.
func (w *Workspace) Forget() error {
	folders := []string{w.Servers, w.State}
	if filepath.Dir(w.Software) == w.Servers {
		folders = append(folders, w.Software)
	}
	for _, folder := range folders {
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	return nil
}

// makeReadable makes dir and its parents such that everybody may enter, whatever the umask.
func makeReadable(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := makeReadable(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// ServersMayEnter reports whether the servers' user can walk to dir.
func (w *Workspace) ServersMayEnter(dir string) bool { return w.User == nil || everybodyMayEnter(dir) }
