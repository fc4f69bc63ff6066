// Package testenv gives tests the real servers that `make test` starts, and each test a world of its own in them.
// Only _test.go files import it.
package testenv

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/earshot-hq/earshot/internal/slug"
)

// What `localstack test` sets.
const (
	postgresVariable   = "EARSHOT_TEST_POSTGRES"
	openSearchVariable = "EARSHOT_TEST_OPENSEARCH"
	awsVariable        = "EARSHOT_TEST_AWS"
	artifactsVariable  = "EARSHOT_TEST_ARTIFACTS"
)

// contractVariable is what the Makefile sets: schemathesis, in a virtual environment that tools/contract pins.
const contractVariable = "EARSHOT_TEST_SCHEMATHESIS"

// need returns a setting of the test run. Without it the test is skipped under -short, and fails otherwise: a test that
// silently does not run proves nothing.
func need(tb testing.TB, server, variable string) string {
	tb.Helper()
	// Go keeps a test's result while the variables that it asked for by name are the same: with other servers it runs again.
	found := os.Getenv(variable) //nolint:forbidigo // internal/settings reads all variables at once, which Go does not see
	switch {
	case found != "":
	case testing.Short():
		tb.Skip("needs " + server)
	default:
		tb.Fatal("needs " + server + ": run `make test`, or `go run ./services/localstack test -- go test …`, or go test -short")
	}
	return found
}

// Slug returns a tenant's name that no other test has.
func Slug(tb testing.TB) slug.Slug {
	tb.Helper()
	const digits = "abcdefghijklmnopqrstuvwxyz234567"
	random := make([]byte, 12)
	if _, err := rand.Read(random); err != nil {
		tb.Fatal(err)
	}
	for i := range random {
		random[i] = digits[int(random[i])%len(digits)]
	}
	parsed, err := slug.Parse("t" + string(random))
	if err != nil {
		tb.Fatal(err)
	}
	return parsed
}

// Artifacts returns the folder of the built functions, templates and site: what a cell's bucket holds under its version,
// which is the folder's name.
func Artifacts(tb testing.TB) string {
	tb.Helper()
	dir := need(tb, "built artifacts", artifactsVariable)
	if _, err := os.Stat(dir); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// Schemathesis returns the program that holds a running service to its specification.
func Schemathesis(tb testing.TB) string {
	tb.Helper()
	return need(tb, "schemathesis", contractVariable)
}
