package tenant

import (
	"reflect"
	"strings"
)

// A Member is something of a tenant that may be changed, and where it takes effect. docs/settings.md explains each.
type Member struct {
	Name string // as the API has it
	// Parameter is the parameter of the tenant's stack that carries it: a change needs an update of the stack. Empty: it
	// lives in the database alone, and a change is done when it is written.
	Parameter string

	of func(Tenant) any
}

// Of returns the member's value in a tenant.
func (m Member) Of(t Tenant) any { return m.of(t) }

// Members are all that may be changed of a tenant.
func Members() []Member {
	return []Member{
		{"display_name", "DisplayName", func(t Tenant) any { return t.DisplayName }},
		{"settings.privacy.ip", "IpPrivacy", func(t Tenant) any { return t.Settings.Privacy.IP }},
		{"settings.softphone_origins", "SoftphoneOrigins", func(t Tenant) any { return strings.Join(t.Settings.SoftphoneOrigins, ",") }},
		{"settings.ccp_hosts", "", func(t Tenant) any { return strings.Join(t.Settings.CCPHosts, ",") }},
		{"settings.retention_days", "", func(t Tenant) any { return t.Settings.RetentionDays }},
		{"settings.archive_days", "ArchiveDays", func(t Tenant) any { return t.Settings.ArchiveDays }},
		{"settings.index_period", "IndexPeriods", func(t Tenant) any { return t.Settings.IndexPeriod }},
		{"settings.thresholds", "Thresholds", func(t Tenant) any { return t.Settings.Thresholds }},
		{"settings.media_owner", "MediaOwner", func(t Tenant) any { return t.Settings.MediaOwner }},
		{"connect_instances", "ConnectInstances", func(t Tenant) any { return t.ConnectInstances }},
		{"settings.delete_protection", "", func(t Tenant) any { return t.Settings.DeleteProtection }},
	}
}

// Changed returns the members in which two states of a tenant differ.
func Changed(before, after Tenant) []Member {
	var changed []Member
	for _, m := range Members() {
		if !reflect.DeepEqual(m.of(before), m.of(after)) {
			changed = append(changed, m)
		}
	}
	return changed
}
