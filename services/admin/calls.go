package main

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/earshot-hq/earshot/internal/awscalls"
	"github.com/earshot-hq/earshot/internal/tracing"
)

var seconds = []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// watchAWS counts, times and traces the calls of every client that is made of the configuration from now on.
func watchAWS(config *aws.Config, registry prometheus.Registerer, traces *tracing.Tracing) {
	calls := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "earshot_aws_call_duration_seconds",
		Help:    "How long calls of AWS took, repeats included, by how they ended: ok, AWS's code, or unanswered.",
		Buckets: seconds,
	}, []string{"service", "operation", "code"})
	registry.MustRegister(calls)
	if traces != nil {
		awscalls.Trace(config, traces.Provider())
	}
	awscalls.Watch(config, func(service, operation, code string, took time.Duration) {
		calls.WithLabelValues(service, operation, code).Observe(took.Seconds())
	})
}

// watchJobs counts and times each run of a job, of which an operation has many.
func watchJobs(registry prometheus.Registerer) rivertype.Middleware {
	runs := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "earshot_job_duration_seconds",
		Help:    "How long runs of jobs took, by how they ended: done, snoozed (comes again), or failed.",
		Buckets: seconds,
	}, []string{"kind", "outcome"})
	registry.MustRegister(runs)
	return river.WorkerMiddlewareFunc(func(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
		began, outcome := time.Now(), "failed" // a panic is one too
		defer func() { runs.WithLabelValues(job.Kind, outcome).Observe(time.Since(began).Seconds()) }()
		err := work(ctx)
		var snooze *rivertype.JobSnoozeError
		switch {
		case err == nil:
			outcome = "done"
		case errors.As(err, &snooze):
			outcome = "snoozed"
		}
		return err
	})
}
