// Command streamstats-pusher takes each second's stream statistics from the tenant's softphones into its queue.
package main

import (
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/lambdas/internal/push"
)

func main() { push.Start(telemetry.KindStreamStats, "streamstats-pusher") }
