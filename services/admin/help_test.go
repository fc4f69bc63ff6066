package main

import (
	"io"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/settings/settingstest"
)

func TestTheHelpExplainsEachSetting(t *testing.T) {
	t.Parallel()
	const work = "\n  work     EARSHOT_"
	ofServe, ofOthers, _ := strings.Cut(usage, work)
	settingstest.Explained[serveSettings](t, ofServe)
	settingstest.Explained[workSettings](t, work+ofOthers)
	settingstest.Explained[migrateSettings](t, ofOthers)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), []string{"--help"}, &out, io.Discard); err != nil || !strings.Contains(out.String(), "EARSHOT_CELLS_FILE") {
		t.Errorf("help: %v %s", err, out.String())
	}
	for _, args := range [][]string{{}, {"sing"}, {"serve", "work"}} {
		if err := run(t.Context(), args, &out, io.Discard); err == nil || !strings.Contains(err.Error(), "usage:") {
			t.Errorf("%v: %v", args, err)
		}
	}
	if err := run(t.Context(), []string{"serve"}, &out, io.Discard); err == nil || !strings.Contains(err.Error(), "EARSHOT_OIDC_ISSUER") {
		t.Errorf("without settings: %v", err)
	}
}
