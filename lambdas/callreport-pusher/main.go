// Command callreport-pusher takes call reports from the tenant's softphones into its queue.
package main

import (
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/lambdas/internal/push"
)

func main() { push.Start(telemetry.KindCallReport, "callreport-pusher") }
