package gauges

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/s3conn"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// maxStatus bounds what is read of a run.
const maxStatus = 64 << 10

// lastRuns says of each Connect instance how the last reading of its directory ended.
func lastRuns(ctx context.Context, at place) ([]tenant.DirectoryRun, error) {
	runs := make([]tenant.DirectoryRun, 0, len(at.tenant.ConnectInstances))
	client := s3conn.Open(at.config)
	for _, instance := range at.tenant.ConnectInstances {
		run := tenant.DirectoryRun{ConnectInstance: instance.Alias, State: tenant.DirectoryOff}
		if instance.DirectoryRoleARN != "" {
			var err error
			if run, err = lastRun(ctx, client, at.outputs["DataBucket"], instance.Alias); err != nil {
				return nil, err
			}
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// lastRun asks for the name first: whoever may not list is told of what is not there that it may not be seen.
func lastRun(ctx context.Context, client *s3.Client, bucket, alias string) (tenant.DirectoryRun, error) {
	run := tenant.DirectoryRun{ConnectInstance: alias, State: tenant.DirectoryNever}
	key := agents.StatusKey(alias)
	if bucket == "" {
		return run, errNoBucket
	}
	listed, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &key, MaxKeys: aws.Int32(1)})
	if err != nil {
		return run, fmt.Errorf("look for %s: %w", key, err)
	}
	if len(listed.Contents) == 0 {
		return run, nil
	}
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return run, fmt.Errorf("read %s: %w", key, err)
	}
	defer func() { _ = object.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(object.Body, maxStatus))
	if err != nil {
		return run, fmt.Errorf("read %s: %w", key, err)
	}
	status, err := agents.ParseStatus(text)
	if err != nil {
		return run, fmt.Errorf("read %s: %w", key, err)
	}
	run.State, run.EndedAt, run.Agents = tenant.DirectoryGood, status.EndedAt, new(int64(status.Agents))
	if status.Code != "" {
		run.State, run.Code, run.Detail = tenant.DirectoryFailed, status.Code, status.Detail
	}
	return run, nil
}
