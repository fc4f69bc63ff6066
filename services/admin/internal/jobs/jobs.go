// Package jobs runs the work of the control plane as River jobs: it drives operations, has lost stacks built again, deletes
// what tenants keep no longer, and keeps house. Each worker translates; what is done is the domain's.
package jobs

import (
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/earshot-hq/earshot/internal/access"
)

// Config is what the jobs need.
type Config struct {
	Advancer     Advancer
	Rollouts     RolloutAdvancer
	RolloutEvery time.Duration // between two looks at a rollout
	Keeper       Keeper
	Rebuilder    *Rebuilder    // nil: no stack is built again by itself
	RebuildEvery time.Duration // how often is looked for lost stacks, beside once at the start
	Retention    *Retention
	Periods      *Periods // nil: index periods are what people choose
	Scheduler    Scheduler
	ExpireEvery  time.Duration // how often each tenant's expired indices are deleted
	Publishing   *Publishing   // nil: no gateway is told of tenants
	PublishEvery time.Duration // how often is looked whether it has to be
	Looks        *Looks        // nil: lists of tenants do not say how they do
	Log          *slog.Logger
}

// itself is the actor of work that nobody asked for and that concerns all tenants.
var itself = access.Actor{Subject: "worker", Name: "worker", Role: access.System, Scope: access.Scope{All: true}}

// Workers returns the workers of every kind of job.
func Workers(c Config) *river.Workers {
	workers := river.NewWorkers()
	river.AddWorker(workers, &advance{advancer: c.Advancer})
	river.AddWorker(workers, &advanceRollout{advancer: c.Rollouts, every: c.RolloutEvery})
	river.AddWorker(workers, &housekeeping{keeper: c.Keeper, log: c.Log})
	river.AddWorker(workers, &rebuildMissing{rebuilder: c.Rebuilder})
	river.AddWorker(workers, &scheduleExpiry{scheduler: c.Scheduler, within: c.ExpireEvery / 2})
	river.AddWorker(workers, &expire{retention: c.Retention, periods: c.Periods})
	river.AddWorker(workers, &publishTenants{publishing: c.Publishing})
	river.AddWorker(workers, &lookAtTenants{looks: c.Looks})
	return workers
}

// Periodic returns the jobs that start by the clock. One worker of all starts them.
func Periodic(c Config) []*river.PeriodicJob {
	list := []*river.PeriodicJob{periodic[housekeepingArgs](time.Minute), periodic[scheduleExpiryArgs](c.ExpireEvery)}
	if c.Rebuilder != nil {
		list = append(list, periodic[rebuildMissingArgs](c.RebuildEvery))
	}
	if c.Publishing != nil {
		list = append(list, periodic[publishTenantsArgs](c.PublishEvery))
	}
	if c.Looks != nil {
		list = append(list, periodic[lookAtTenantsArgs](c.Looks.Every))
	}
	return list
}

func periodic[Args river.JobArgs](every time.Duration) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(every), func() (river.JobArgs, *river.InsertOpts) {
		var args Args
		return args, &river.InsertOpts{MaxAttempts: 1, UniqueOpts: oneAtATime}
	}, &river.PeriodicJobOpts{RunOnStart: true})
}

// oneAtATime leaves a job out while the one before it still waits or runs. One that is done counts by default: not here.
var oneAtATime = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
}}
