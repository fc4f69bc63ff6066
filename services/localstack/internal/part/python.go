package part

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// oldestPython is what the emulator runs on.
const oldestPython = "3.10"

// Python makes virtual environments from requirement files, whose every package is pinned by hash. pip itself is used as the
// user has set it up.
type Python struct {
	Workspace *workspace.Workspace
	Report    func(line string)
}

// findPython returns a Python that can make virtual environments.
func findPython(ctx context.Context) (string, error) {
	remedy := "install Python " + oldestPython + " or newer with its venv module, on Debian and Ubuntu: apt-get install python3 python3-venv"
	python, err := exec.LookPath("python3")
	if err != nil {
		return "", &MissingError{What: "no `python3` on the path", Remedy: remedy}
	}
	const probe = "import sys; print('%d.%d' % sys.version_info[:2]); sys.exit(sys.version_info < (3, 10))"
	out, err := exec.CommandContext(ctx, python, "-c", probe).Output()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", &MissingError{What: "python3 is " + strings.TrimSpace(string(out)) + ", which is too old", Remedy: remedy}
	}
	if exec.CommandContext(ctx, python, "-c", "import venv, ensurepip").Run() != nil && ctx.Err() == nil {
		return "", &MissingError{What: "python3 has no venv module", Remedy: remedy}
	}
	return python, ctx.Err()
}

// Environment returns the Python of the virtual environment that holds exactly the packages of requirements, the content of
// a pip file with hashes.
func (p *Python) Environment(ctx context.Context, name string, requirements []byte) (string, error) {
	python, err := findPython(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(python+"\n"), requirements...))
	dir, err := p.Workspace.Install(name+"-"+hex.EncodeToString(sum[:6]), func(dir string) error {
		p.Report("installing the Python packages of " + name)
		return install(ctx, python, dir, requirements)
	})
	return filepath.Join(dir, "bin", "python"), err
}

func install(ctx context.Context, python, dir string, requirements []byte) error {
	list := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(list, requirements, 0o644); err != nil {
		return err
	}
	for _, arguments := range [][]string{
		{python, "-m", "venv", dir},
		{filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", list},
	} {
		command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(arguments, " "), err, out)
		}
	}
	return nil
}
