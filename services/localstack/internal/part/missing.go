package part

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
)

// A MissingError names a prerequisite that the launcher does not fetch itself, and how to install it.
type MissingError struct{ What, Remedy string }

func (e *MissingError) Error() string { return e.What + ": " + e.Remedy }

// CheckMachine looks for what must be there before anything is fetched. It returns all that is missing at once.
func CheckMachine(ctx context.Context) error {
	var missing []error
	if _, hasArchive := postgresArchive(); runtime.GOOS != "linux" || !hasArchive {
		missing = append(missing, &MissingError{
			What:   "no Postgres for " + runtime.GOOS + " on " + runtime.GOARCH,
			Remedy: "run this on Linux on x86-64 or arm64; WSL 2 or a virtual machine will do",
		})
	}
	if _, err := exec.LookPath("go"); err != nil {
		missing = append(missing, &MissingError{What: "no `go` on the path", Remedy: "install Go 1.26 or newer and put its bin folder on PATH"})
	}
	if _, err := findPython(ctx); err != nil {
		missing = append(missing, err)
	}
	return errors.Join(missing...)
}
