package workspace

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// Ports are the ports of the parts, kept between runs and moved when taken.
type Ports struct {
	file   string
	byName map[string]int
}

// Ports reads what earlier runs chose.
func (w *Workspace) Ports() (*Ports, error) {
	p := &Ports{file: w.Path("ports.json"), byName: map[string]int{}}
	return p, readJSON(p.file, &p.byName)
}

// Pick returns a free loopback port for a part: the preferred one, else that of the last run, else any; a sticky part takes
// that of the last run first. preferred 0 is any. moved says that the part had another port in the last run.
func (p *Ports) Pick(part string, preferred int, isSticky bool) (port int, moved bool, err error) {
	remembered := p.byName[part]
	candidates := []int{preferred, remembered}
	if isSticky {
		candidates = []int{remembered, preferred}
	}
	for _, candidate := range candidates {
		if candidate != 0 && port == 0 && !p.isGivenTo(candidate, part) {
			port = free(candidate)
		}
	}
	for tries := 0; port == 0 && tries < 20; tries++ {
		if port = free(0); p.isGivenTo(port, part) {
			port = 0
		}
	}
	if port == 0 {
		return 0, false, fmt.Errorf("no free port for %s", part)
	}
	p.byName[part] = port
	return port, remembered != 0 && remembered != port, writeJSON(p.file, 0o644, p.byName)
}

func (p *Ports) isGivenTo(port int, part string) bool {
	for other, given := range p.byName {
		if given == port && other != part {
			return true
		}
	}
	return false
}

// free returns port if nothing listens there, or 0; port 0 finds any.
func free(port int) int {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return 0
	}
	defer func() { _ = listener.Close() }() // only tried
	return listener.Addr().(*net.TCPAddr).Port
}

// Secrets are this checkout's passwords, made once.
type Secrets struct {
	file string

	mu     sync.Mutex
	byName map[string]string // guarded by mu
}

// Secrets reads the passwords that earlier runs made.
func (w *Workspace) Secrets() (*Secrets, error) {
	s := &Secrets{file: w.Path("secrets.json"), byName: map[string]string{}}
	return s, readJSON(s.file, &s.byName)
}

// Get returns the secret called name, 48 random hex digits the first time.
func (s *Secrets) Get(name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if secret := s.byName[name]; secret != "" {
		return secret, nil
	}
	bytes := make([]byte, 24)
	if _, err := rand.Read(bytes); err != nil {
		return "", err
	}
	s.byName[name] = hex.EncodeToString(bytes)
	return s.byName[name], writeJSON(s.file, 0o600, s.byName)
}

// readJSON leaves into as it is when there is no such file.
func readJSON(name string, into any) error {
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s is damaged; `make clean` makes a new one: %w", name, err)
	}
	return nil
}

func writeJSON(name string, mode os.FileMode, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(name, mode, append(content, '\n'))
}

// WriteFile replaces a file in one step, so that a reader meets the old content or the new. The mode is exact.
func WriteFile(name string, mode os.FileMode, content []byte) error {
	partial, err := os.CreateTemp(filepath.Dir(name), ".partial-*") // 0600 from the start
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(partial.Name()) }() // renamed when all went well
	if _, err := partial.Write(content); err != nil {
		_ = partial.Close() // the write's error says more
		return err
	}
	if err := partial.Close(); err != nil {
		return err
	}
	if err := os.Chmod(partial.Name(), mode); err != nil {
		return err
	}
	return os.Rename(partial.Name(), name)
}
