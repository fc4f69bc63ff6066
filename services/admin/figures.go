package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres"
)

var (
	operationsFigure = prometheus.NewDesc("earshot_operations", "Operations by kind and state.", []string{"kind", "state"}, nil)
	jobsFigure       = prometheus.NewDesc("earshot_jobs", "Jobs in the queue by kind and state.", []string{"kind", "state"}, nil)
)

// figures are read from the database when somebody asks for metrics. While it is away they are missing, the others not.
type figures struct {
	db  *postgres.DB
	log *slog.Logger
}

// Describe implements prometheus.Collector.
func (figures) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- operationsFigure
	descriptions <- jobsFigure
}

// Collect implements prometheus.Collector.
func (f figures) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	everything := access.Actor{Subject: "metrics", Role: access.System, Scope: access.Scope{All: true}}
	operations, jobs, err := f.db.Counts(ctx, everything)
	if err != nil {
		f.log.WarnContext(ctx, "figures of the database are missing", "error", err)
		return
	}
	for _, c := range operations {
		metrics <- prometheus.MustNewConstMetric(operationsFigure, prometheus.GaugeValue, float64(c.HowMany), c.Kind, c.State)
	}
	for _, c := range jobs {
		metrics <- prometheus.MustNewConstMetric(jobsFigure, prometheus.GaugeValue, float64(c.HowMany), c.Kind, c.State)
	}
}
