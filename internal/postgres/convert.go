package postgres

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func tenantFrom(row dbsqlc.Tenant, activeOperation string, instances []dbsqlc.InstancesOfRow) (tenant.Tenant, error) {
	t := tenant.Tenant{
		ID:          row.ID,
		Slug:        slug.Slug(row.Slug),
		DisplayName: row.DisplayName,
		State:       tenant.State(row.State),
		Isolation:   tenant.Isolation(row.Isolation),
		Cell:        row.Cell,
		ExternalID:  row.ExternalID,
		Stack:       tenant.Stack{Name: row.StackName, ID: row.StackID, ArtifactVersion: row.ArtifactVersion},
		URLs: tenant.URLs{
			Softphone: row.SoftphoneUrl, TelemetryAPI: row.TelemetryApiUrl, Space: row.SpaceUrl, ManagerSignIn: row.SignInUrl,
		},
		ActiveOperation: activeOperation,
		DataRetained:    row.DataRetained,
		Version:         row.Version,
		CreatedAt:       row.CreatedAt.UTC(),
		UpdatedAt:       row.UpdatedAt.UTC(),
	}
	t.Settings = tenant.DefaultSettings() // members that are younger than the row
	if err := json.Unmarshal(row.Settings, &t.Settings); err != nil {
		return t, fmt.Errorf("settings of tenant %s: %w", row.ID, err)
	}
	for _, i := range instances {
		if i.TenantID == row.ID {
			t.ConnectInstances = append(t.ConnectInstances, tenant.ConnectInstance{
				Alias: i.Alias, ARN: i.Arn, Region: i.Region, CCPURL: i.CcpUrl, SAMLURL: i.SamlUrl, DirectoryRoleARN: i.DirectoryRoleArn,
			})
		}
	}
	return t, nil
}

func operationFrom(row dbsqlc.Operation, s string) (operation.Operation, error) {
	op := operation.Operation{
		ID:              row.ID,
		TenantID:        row.TenantID,
		Slug:            slug.Slug(s),
		Kind:            operation.Kind(row.Kind),
		State:           operation.State(row.State),
		Step:            row.Step,
		Attempt:         int(row.Attempt),
		Percent:         int(row.Percent),
		Data:            operation.DataPolicy(row.Data),
		CancelRequested: row.CancelRequested,
		Generation:      row.Generation,
		RequestedBy:     row.RequestedBy,
		RequestID:       row.RequestID,
		CreatedAt:       row.CreatedAt.UTC(),
		UpdatedAt:       row.UpdatedAt.UTC(),
	}
	op.Artifacts, op.Rollout = orEmpty(row.ArtifactVersion), orEmpty(row.RolloutID)
	if row.FinishedAt != nil {
		op.FinishedAt = row.FinishedAt.UTC()
	}
	if err := json.Unmarshal(row.Memo, &op.Memo); err != nil {
		return op, fmt.Errorf("memo of operation %s: %w", row.ID, err)
	}
	if row.Change != nil {
		if err := json.Unmarshal(row.Change, &op.Change); err != nil {
			return op, fmt.Errorf("change of operation %s: %w", row.ID, err)
		}
	}
	if row.Span != nil {
		if err := json.Unmarshal(row.Span, &op.Span); err != nil {
			return op, fmt.Errorf("span of operation %s: %w", row.ID, err)
		}
	}
	if row.Erasure != nil {
		if err := json.Unmarshal(row.Erasure, &op.Erase); err != nil {
			return op, fmt.Errorf("erasure of operation %s: %w", row.ID, err)
		}
	}
	if row.Failure != nil {
		if err := json.Unmarshal(row.Failure, &op.Failure); err != nil {
			return op, fmt.Errorf("failure of operation %s: %w", row.ID, err)
		}
	}
	return op, nil
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// orNull is nil for the zero time.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// plain makes a text that others wrote one that Postgres can store.
func plain(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
