package part

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Chromium returns the browser that tests look at pages with: the machine's, which a Debian's root is given from the system's
// packages when it is missing.
func Chromium(ctx context.Context) (string, error) {
	if path, err := exec.LookPath("chromium"); err == nil {
		return path, nil
	}
	missing := &MissingError{What: "no `chromium` on the path", Remedy: "install your system's (Debian: apt-get install chromium); no package registry has one"}
	apt, err := exec.LookPath("apt-get")
	if err != nil || os.Geteuid() != 0 {
		return "", missing
	}
	for _, arguments := range [][]string{{"-qq", "update"}, {"-qq", "--yes", "--no-install-recommends", "install", "chromium"}} {
		install := exec.CommandContext(ctx, apt, arguments...)
		install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := install.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w; apt-get %s: %w: %s", missing, arguments[len(arguments)-1], err, out)
		}
	}
	return exec.LookPath("chromium")
}
