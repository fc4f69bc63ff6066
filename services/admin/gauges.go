package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/gauges"
	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// newGauges look into cells by the role there that changes nothing. figures says where those are kept.
func newGauges(identity aws.Config, figures string, timeout time.Duration, db *postgres.DB, log *slog.Logger) (*gauges.Gauges, error) {
	var source gauges.Source
	switch figures {
	case "cloudwatch":
		source = gauges.CloudWatch{}
	case "logs":
		source = gauges.Logs{}
	default:
		return nil, fmt.Errorf("settings: EARSHOT_HEALTH_FIGURES is %q, want cloudwatch or logs", figures)
	}
	return gauges.New(gauges.Config{
		Cells: cellaws.NewAs(identity, cellaws.HealthRole), Cell: cellsOf(db), Source: source, Timeout: timeout, Log: log,
	}), nil
}

// cellsOf finds cells by their names; they belong to the operator, and to no tenant.
func cellsOf(db *postgres.DB) func(context.Context, string) (tenant.Cell, error) {
	return func(ctx context.Context, name string) (tenant.Cell, error) {
		return db.Cell(ctx, access.Actor{Subject: "cells", Role: access.System, Scope: access.Scope{All: true}}, name)
	}
}
