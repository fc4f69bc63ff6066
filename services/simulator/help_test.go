package main

import (
	"testing"

	"github.com/earshot-hq/earshot/internal/settings/settingstest"
)

func TestTheHelpExplainsEachSetting(t *testing.T) {
	t.Parallel()
	settingstest.Explained[simulatorSettings](t, usage)
}
