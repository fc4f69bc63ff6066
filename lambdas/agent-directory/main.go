// Command agent-directory reads who the agents of a tenant's Connect instances are, in the customer's account, and keeps it where
// the tenant's pushers look.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
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
