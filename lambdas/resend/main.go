// Command resend is the Lambda of a tenant that sends again what its queue had once: envelopes of the archive (a replay), or
// dead letters (a redrive). The worker calls it chunk by chunk.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	handler, err := wire()
	if err != nil {
		slog.Error("start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler.Handle)
}
