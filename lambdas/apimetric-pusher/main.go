// Command apimetric-pusher takes API metrics from the tenant's softphones into its queue.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/internal/agentstore"
	"github.com/earshot-hq/earshot/internal/pusher"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	handler, err := wire(log)
	if err != nil {
		log.Error("start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler.Handle)
}

func wire(log *slog.Logger) (*pusher.Handler, error) {
	s, err := settings.Load[pusher.Settings]()
	if err != nil {
		return nil, err
	}
	account, err := settings.FunctionAWS()
	if err != nil {
		return nil, err
	}
	directories, err := settings.Load[agentstore.Settings]()
	if err != nil {
		return nil, err
	}
	known, err := agentstore.NewCache(account, directories, log)
	if err != nil {
		return nil, err
	}
	return pusher.New(telemetry.KindAPIMetric, "apimetric-pusher", s, queue.New(sqs.NewFromConfig(account), s.QueueURL), known, log)
}
