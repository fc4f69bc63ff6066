// Package settingstest compares settings with the text that explains them. Imported by tests only.
package settingstest

import (
	"strings"
	"testing"

	"github.com/caarlos0/env/v11"

	"github.com/earshot-hq/earshot/internal/settings"
)

// Explained fails the test unless a program's help names every setting of T, with its default where it has one.
func Explained[T any](t *testing.T, help string) {
	t.Helper()
	all, err := env.GetFieldParamsWithOptions(new(T), env.Options{Prefix: settings.Prefix})
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range all {
		_, after, isNamed := strings.Cut(help, setting.Key+" ")
		entry, _, _ := strings.Cut(after, settings.Prefix)
		switch {
		case !isNamed:
			t.Errorf("the help does not name %s", setting.Key)
		case !strings.Contains(entry, setting.DefaultValue):
			t.Errorf("the help does not say that %s is %s by default: %s", setting.Key, setting.DefaultValue, entry)
		}
	}
}
