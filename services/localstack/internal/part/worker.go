package part

import "github.com/earshot-hq/earshot/services/localstack/internal/process"

// WorkerPart is the worker as a process, under an IAM identity of its own, which may only enter cells.
func (a *Admin) WorkerPart(identity Identity, rosterKey string) process.Part {
	listen := Loopback(a.bench.Ports.WorkerMetrics)
	return a.part("worker", "work", "http://"+listen+"/readyz", append(identity.environment(identity.Worker),
		"EARSHOT_METRICS_LISTEN="+listen, "EARSHOT_WORKER_ID=local",
		"EARSHOT_POLL=150ms", "EARSHOT_FETCH=100ms", "EARSHOT_STACK_CALLS=600", // the emulator's stacks are quick, and nobody else asks it
		"EARSHOT_ROSTER_KEY="+rosterKey, "EARSHOT_ROSTER_EVERY=1s",
		"EARSHOT_HEALTH_FIGURES=logs", "EARSHOT_HEALTH_EVERY=10s", // the emulator makes no metrics of log lines
		"EARSHOT_ERASE_SETTLE=10s",                                  // its functions read anew after two seconds
		"EARSHOT_REBUILD_MISSING=true", "EARSHOT_REBUILD_EVERY=10s", // it forgets what it made when it is killed
	)...)
}
