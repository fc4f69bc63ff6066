package settings_test

import (
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/settings"
)

type sample struct {
	Tenant string        `env:"TENANT,required,notEmpty"`
	Queue  string        `env:"QUEUE_URL,required"`
	Lease  time.Duration `env:"LEASE" envDefault:"30s"`
}

func TestLoadNamesEveryFault(t *testing.T) {
	t.Setenv("EARSHOT_TENANT", "")
	t.Setenv("EARSHOT_LEASE", "soon")
	_, err := settings.Load[sample]()
	if err == nil {
		t.Fatal("three faults went unseen")
	}
	for _, name := range []string{"EARSHOT_TENANT", "EARSHOT_QUEUE_URL", "Lease"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}

func TestLoadFillsDefaults(t *testing.T) {
	t.Setenv("EARSHOT_TENANT", "acme")
	t.Setenv("EARSHOT_QUEUE_URL", "http://queue")
	got, err := settings.Load[sample]()
	if err != nil {
		t.Fatal(err)
	}
	if want := (sample{Tenant: "acme", Queue: "http://queue", Lease: 30 * time.Second}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
