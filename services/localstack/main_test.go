package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWrongArgumentsStartNothing(t *testing.T) {
	for _, arguments := range [][]string{{"up", "acme"}, {"clean", "--all"}, {"token", "x"}, {"test"}, {"test", "--"}, {"nope"}} {
		code, err := run(t.Context(), arguments)
		require.Error(t, err, arguments)
		require.Equal(t, 2, code, arguments)
	}
	code, err := run(t.Context(), []string{"demo-call", "acme_eu"})
	require.ErrorContains(t, err, "tenant.slug_invalid")
	require.Equal(t, 1, code)
}

func TestHelpIsAskedForInTheUsualWays(t *testing.T) {
	for _, arguments := range [][]string{{}, {"help"}, {"-h"}, {"--help"}, {"up", "--help"}, {"demo-call", "-h"}} {
		require.True(t, asksForHelp(arguments), arguments)
	}
	for _, arguments := range [][]string{{"up"}, {"test", "--", "go", "help"}, {"npm", "softphone", "--help"}} {
		require.False(t, asksForHelp(arguments), arguments)
	}
}
