// Package settings reads a process's settings from its environment.
package settings

import (
	"fmt"

	"github.com/caarlos0/env/v11"
)

// Prefix begins the name of every setting of ours.
const Prefix = "EARSHOT_"

// Load reads the variables that T's `env` tags name, each with Prefix before it. The error names every variable that is
// missing or wrong, not only the first.
func Load[T any]() (T, error) {
	loaded, err := env.ParseAsWithOptions[T](env.Options{Prefix: Prefix})
	if err != nil {
		return loaded, fmt.Errorf("settings: %w", err)
	}
	return loaded, nil
}
