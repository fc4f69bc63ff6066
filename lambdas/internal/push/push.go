// Package push starts a tenant's pushers: three functions that differ in what they take.
package push

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/internal/agentstore"
	"github.com/earshot-hq/earshot/internal/pusher"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/settings"
)

// Start serves the requests of one kind of telemetry until the process is ended. The name is the function's within the tenant.
// A setting that is missing or wrong is logged and ends the process.
func Start(kind, name string) {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	handler, err := wire(kind, name, log)
	if err != nil {
		log.Error("start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler.Handle)
}

func wire(kind, name string, log *slog.Logger) (*pusher.Handler, error) {
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
	return pusher.New(kind, name, s, queue.New(sqs.NewFromConfig(account), s.QueueURL), known, log)
}
