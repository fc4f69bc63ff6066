package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/earshot-hq/earshot/internal/logline"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres"
)

// failures writes of each run of a job that failed whose it was, which River's own line, of the same job_id, does not know.
type failures struct{ log *slog.Logger }

// HandleError implements river.ErrorHandler.
func (f failures) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	f.log.WarnContext(whose(ctx, job), "job failed", "error", err.Error())
	return nil // as River would go on
}

// HandlePanic implements river.ErrorHandler.
func (f failures) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, stack string) *river.ErrorHandlerResult {
	f.log.ErrorContext(whose(ctx, job), "job panicked", "error", fmt.Sprint(value), "stack", stack)
	return nil
}

// whose has lines name a job, and the operation and the request that it is of, as far as there are any.
func whose(ctx context.Context, job *rivertype.JobRow) context.Context {
	var cause postgres.Cause
	var args operation.AdvanceArgs
	_, _ = json.Unmarshal(job.Metadata, &cause), json.Unmarshal(job.EncodedArgs, &args) // what cannot be read is not said
	return logline.With(ctx, slog.Int64("job_id", job.ID), slog.String("job_kind", job.Kind), slog.Int("attempt", job.Attempt),
		slog.String("operation", args.OperationID), slog.String("request_id", cause.RequestID))
}
