package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/tenant"
)

type migrateSettings struct {
	OwnerURL  string `env:"MIGRATE_DATABASE_URL,required,notEmpty"`
	AppURL    string `env:"DATABASE_URL,required,notEmpty"`
	CellsFile string `env:"CELLS_FILE"`
}

// migrate brings the database up to date and ends.
func migrate(ctx context.Context, log *slog.Logger) error {
	s, err := settings.Load[migrateSettings]()
	if err != nil {
		return err
	}
	cells, err := readCells(s.CellsFile)
	if err != nil {
		return err
	}
	return postgres.Migrate(ctx, postgres.MigrateConfig{OwnerURL: s.OwnerURL, AppURL: s.AppURL, Cells: cells, Log: log})
}

// readCells reads the list of cells, empty without a file.
func readCells(file string) ([]tenant.Cell, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read cells: %w", err)
	}
	var listed []struct {
		Name       string `json:"name"`
		Region     string `json:"region"`
		StackName  string `json:"stack_name"`
		RoleARN    string `json:"role_arn"`
		ExternalID string `json:"external_id"`
		MaxTenants int    `json:"max_tenants"`
		MaxShards  int    `json:"max_shards"`
	}
	if err := json.Unmarshal(text, &listed); err != nil {
		return nil, fmt.Errorf("read cells from %s: %w", file, err)
	}
	cells := make([]tenant.Cell, 0, len(listed))
	for _, c := range listed {
		cells = append(cells, tenant.Cell{
			Name: c.Name, Region: c.Region, StackName: c.StackName, RoleARN: c.RoleARN, ExternalID: c.ExternalID, MaxTenants: c.MaxTenants,
			MaxShards: c.MaxShards,
		})
	}
	return cells, nil
}
