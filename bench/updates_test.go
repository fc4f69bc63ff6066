package main

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
)

func TestTheTimeOfAnUpdateGoesToItsParts(t *testing.T) {
	t.Parallel()
	const stack = "earshot-acme"
	began := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	var events []types.StackEvent
	for _, e := range []struct {
		seconds        int
		resource, kind string
		status         types.ResourceStatus
	}{
		{0, stack, "AWS::CloudFormation::Stack", types.ResourceStatusUpdateInProgress}, // an update before
		{0, "Indexer", "AWS::Lambda::Function", types.ResourceStatusUpdateInProgress},
		{50, "Indexer", "AWS::Lambda::Function", types.ResourceStatusUpdateComplete},
		{50, stack, "AWS::CloudFormation::Stack", types.ResourceStatusUpdateComplete},
		{100, stack, "AWS::CloudFormation::Stack", types.ResourceStatusUpdateInProgress},
		{101, "Indexer", "AWS::Lambda::Function", types.ResourceStatusUpdateInProgress},
		{103, "Indexer", "AWS::Lambda::Function", types.ResourceStatusUpdateInProgress}, // it is replaced
		{104, "Indexer", "AWS::Lambda::Function", types.ResourceStatusUpdateComplete},
		{104, "Probe", "AWS::Lambda::Function", types.ResourceStatusUpdateInProgress},
		{105, "Probe", "AWS::Lambda::Function", types.ResourceStatusUpdateComplete},
		{105, "SoftphoneSite", "Custom::SoftphoneSite", types.ResourceStatusUpdateInProgress},
		{107, "SoftphoneSite", "Custom::SoftphoneSite", types.ResourceStatusUpdateComplete},
		{108, stack, "AWS::CloudFormation::Stack", types.ResourceStatusUpdateComplete},
	} {
		events = append(events, types.StackEvent{
			LogicalResourceId: aws.String(e.resource), ResourceType: aws.String(e.kind), ResourceStatus: e.status,
			Timestamp: aws.Time(began.Add(time.Duration(e.seconds) * time.Second)),
		})
	}
	slices.Reverse(events)
	assert.Equal(t, map[string]time.Duration{
		"AWS::CloudFormation::Stack": 8 * time.Second, "AWS::Lambda::Function": 4 * time.Second, "Custom::SoftphoneSite": 2 * time.Second,
	}, tookOf(events, stack))
}
