package stacks

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// Each member of a tenant that takes an update changes its parameter and no other; the others change none.
func TestMembersChangeTheirParameters(t *testing.T) {
	t.Parallel()
	changes := map[string]tenant.Change{
		"display_name":               {DisplayName: new("Another")},
		"settings.privacy.ip":        {PrivacyIP: new(tenant.IPNone)},
		"settings.softphone_origins": {SoftphoneOrigins: &[]string{"https://desk.example"}},
		"settings.ccp_hosts":         {CCPHosts: &[]string{"ccp.example"}},
		"settings.retention_days":    {RetentionDays: new(1)},
		"settings.archive_days":      {ArchiveDays: new(1)},
		"settings.index_period":      {IndexPeriod: map[string]tenant.Period{"apimetric": tenant.Day}},
		"settings.thresholds":        {Thresholds: json.RawMessage(`{"api_errors":4}`)},
		"settings.media_owner":       {MediaOwner: new(tenant.MediaPage)},
		"connect_instances": {ConnectInstances: tenant.InstancesChange{
			Change: &tenant.InstanceChange{Alias: "main", CCPURL: new("https://other.my.connect.aws/ccp-v2")},
		}},
		"settings.delete_protection": {DeleteProtection: new(true)},
	}
	of := tenant.Tenant{Slug: "acme", DisplayName: "Acme", Settings: tenant.DefaultSettings(), ConnectInstances: []tenant.ConnectInstance{{
		Alias: "main", ARN: "arn:aws:connect:eu-central-1:111122223333:instance/00000000-0000-4000-8000-000000000001", Region: "eu-central-1",
		CCPURL: "https://main.my.connect.aws/ccp-v2",
	}}}
	before, err := ownParameters(of)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range tenant.Members() {
		change, known := changes[m.Name]
		if !known {
			t.Errorf("say in this test how %s changes", m.Name)
			continue
		}
		next, err := change.Apply(of, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		after, err := ownParameters(next)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, name := range slices.Sorted(maps.Keys(after)) {
			if before[name] != after[name] {
				got = append(got, name)
			}
		}
		if m.Parameter != "" {
			want = []string{m.Parameter}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s changes %v, want %v", m.Name, got, want)
		}
	}
}
