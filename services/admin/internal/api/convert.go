package api

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// draftFrom translates a body that has the specified form; what its members mean is checked by the domain.
func draftFrom(body apigen.TenantDraft) tenant.Draft {
	draft := tenant.Draft{
		Slug: body.Slug, DisplayName: body.DisplayName, Isolation: tenant.Isolation(orZero(body.Isolation)),
		Cell: orZero(body.Cell), Settings: settingsFrom(orZero(body.Settings)),
	}
	for _, c := range body.ConnectInstances {
		draft.ConnectInstances = append(draft.ConnectInstances, instanceFrom(c))
	}
	return draft
}

// changeFrom translates a body as draftFrom does.
func changeFrom(body apigen.TenantChange) tenant.Change {
	c := tenant.Change{DisplayName: body.DisplayName}
	chosen := orZero(body.Settings)
	if chosen.Privacy != nil {
		c.PrivacyIP = (*tenant.IPPrivacy)(chosen.Privacy.Ip)
	}
	if chosen.SoftphoneOrigins != nil {
		c.SoftphoneOrigins = new(asciiOrigins(*chosen.SoftphoneOrigins))
	}
	c.CCPHosts, c.RetentionDays, c.ArchiveDays = chosen.CcpHosts, chosen.RetentionDays, chosen.ArchiveDays
	c.MediaOwner, c.DeleteProtection = (*tenant.MediaOwner)(chosen.MediaOwner), chosen.DeleteProtection
	for kind, period := range orZero(chosen.IndexPeriod) {
		if c.IndexPeriod == nil {
			c.IndexPeriod = map[string]tenant.Period{}
		}
		c.IndexPeriod[kind] = tenant.Period(period)
	}
	if chosen.Thresholds != nil {
		c.Thresholds = jsonOf(chosen.Thresholds)
	}
	return c
}

func changeTo(c tenant.Change) *apigen.OperationChange {
	out := &apigen.OperationChange{DisplayName: c.DisplayName, ConnectInstances: instancesChangeTo(c.ConnectInstances)}
	s := apigen.SettingsDraft{
		SoftphoneOrigins: c.SoftphoneOrigins, CcpHosts: c.CCPHosts, RetentionDays: c.RetentionDays, ArchiveDays: c.ArchiveDays,
		MediaOwner: (*apigen.MediaOwner)(c.MediaOwner), DeleteProtection: c.DeleteProtection,
	}
	if c.PrivacyIP != nil {
		s.Privacy = &apigen.PrivacyDraft{Ip: (*apigen.IPPrivacy)(c.PrivacyIP)}
	}
	if c.IndexPeriod != nil {
		periods := make(map[string]apigen.Period, len(c.IndexPeriod))
		for kind, period := range c.IndexPeriod {
			periods[kind] = apigen.Period(period)
		}
		s.IndexPeriod = &periods
	}
	if c.Thresholds != nil {
		s.Thresholds = &apigen.Thresholds{}
		readJSON(c.Thresholds, s.Thresholds)
	}
	if s != (apigen.SettingsDraft{}) {
		out.Settings = &s
	}
	return out
}

func spanFrom(body apigen.ReplayDraft) operation.Span {
	span := operation.Span{From: body.From, To: orZero(body.To)}
	for _, kind := range orZero(body.Kinds) {
		span.Kinds = append(span.Kinds, string(kind))
	}
	return span
}

func spanTo(s operation.Span) *apigen.Span {
	out := &apigen.Span{From: s.From, To: s.To, Kinds: make([]apigen.Kind, 0, len(s.Kinds))}
	for _, kind := range s.Kinds {
		out.Kinds = append(out.Kinds, apigen.Kind(kind))
	}
	return out
}

// settingsFrom returns the defaults with what the caller chose.
func settingsFrom(chosen apigen.SettingsDraft) tenant.Settings {
	s := tenant.DefaultSettings()
	if p := chosen.Privacy; p != nil && p.Ip != nil {
		s.Privacy.IP = tenant.IPPrivacy(*p.Ip)
	}
	if chosen.SoftphoneOrigins != nil {
		s.SoftphoneOrigins = asciiOrigins(*chosen.SoftphoneOrigins)
	}
	set(&s.CCPHosts, chosen.CcpHosts)
	set(&s.RetentionDays, chosen.RetentionDays)
	set(&s.ArchiveDays, chosen.ArchiveDays)
	set(&s.DeleteProtection, chosen.DeleteProtection)
	if chosen.MediaOwner != nil {
		s.MediaOwner = tenant.MediaOwner(*chosen.MediaOwner)
	}
	if chosen.IndexPeriod != nil {
		for kind, period := range *chosen.IndexPeriod {
			s.IndexPeriod[kind] = []tenant.PeriodFrom{{Period: tenant.Period(period)}}
		}
	}
	if chosen.Thresholds != nil {
		readJSON(jsonOf(chosen.Thresholds), &s.Thresholds)
	}
	return s
}

func tenantTo(t tenant.Tenant) apigen.Tenant {
	out := apigen.Tenant{
		Id: t.ID, Slug: t.Slug.String(), DisplayName: t.DisplayName, State: apigen.TenantState(t.State),
		Isolation: apigen.Isolation(t.Isolation), Cell: t.Cell, ExternalId: t.ExternalID, Settings: settingsTo(t.Settings),
		ConnectInstances: make([]apigen.ConnectInstance, 0, len(t.ConnectInstances)), ActiveOperation: orNil(t.ActiveOperation),
		DataRetained: t.DataRetained, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
	}
	for _, c := range t.ConnectInstances {
		out.ConnectInstances = append(out.ConnectInstances, instanceTo(c))
	}
	out.Urls.Softphone, out.Urls.TelemetryApi = orNil(t.URLs.Softphone), orNil(t.URLs.TelemetryAPI)
	out.Urls.Space, out.Urls.ManagerSignIn = orNil(t.URLs.Space), orNil(t.URLs.ManagerSignIn)
	out.Stack.Name, out.Stack.Id = orNil(t.Stack.Name), orNil(t.Stack.ID)
	out.Stack.ArtifactVersion = orNil(t.Stack.ArtifactVersion)
	return out
}

func settingsTo(s tenant.Settings) apigen.Settings {
	out := apigen.Settings{
		SoftphoneOrigins: s.SoftphoneOrigins, CcpHosts: s.CCPHosts, RetentionDays: s.RetentionDays, ArchiveDays: s.ArchiveDays,
		IndexPeriod: map[string]apigen.Period{}, MediaOwner: apigen.MediaOwner(s.MediaOwner), DeleteProtection: s.DeleteProtection,
	}
	out.Privacy.Ip = apigen.IPPrivacy(s.Privacy.IP)
	readJSON(jsonOf(s.Thresholds), &out.Thresholds)
	for _, kind := range slices.Sorted(maps.Keys(s.IndexPeriod)) {
		if periods := s.IndexPeriod[kind]; len(periods) > 0 {
			out.IndexPeriod[kind] = apigen.Period(periods[len(periods)-1].Period)
		}
	}
	return out
}

func operationTo(o operation.Operation) apigen.Operation {
	out := apigen.Operation{
		Id: o.ID, Tenant: o.Slug.String(), Kind: apigen.OperationKind(o.Kind), State: apigen.OperationState(o.State), Step: o.Step,
		Attempt: o.Attempt, Percent: o.Percent, CancelRequested: o.CancelRequested, RequestedBy: o.RequestedBy,
		CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt, Erasure: erasureTo(o), Space: spaceTo(o.Memo.Space),
		ArtifactVersion: orNil(o.Artifacts), Upgrade: orNil(o.Rollout), Changes: changesTo(o),
	}
	if o.Data != "" {
		out.Data = new(apigen.DataPolicy(o.Data))
	}
	if o.Kind == operation.Update {
		out.Change = changeTo(o.Change)
	}
	if o.Kind == operation.Replay {
		out.Span = spanTo(o.Span)
	}
	if !o.FinishedAt.IsZero() {
		out.FinishedAt = new(o.FinishedAt)
	}
	if f := o.Failure; f != nil {
		out.Failure = &apigen.Failure{
			Code: f.Code, Reason: f.Reason, Resource: orNil(f.Resource), Type: orNil(f.Type), Advice: orNil(f.Advice),
		}
	}
	return out
}

func eventTo(e operation.Event) apigen.OperationEvent {
	return apigen.OperationEvent{
		Sequence: e.Sequence, At: e.At.Truncate(time.Microsecond), Step: e.Step, Level: apigen.OperationEventLevel(e.Level),
		Message: e.Message, Resource: orNil(e.Resource), Status: orNil(e.Status), Percent: e.Percent,
	}
}

// jsonOf and readJSON translate thresholds: the contract's members and the domain's have the same names.
func jsonOf(thresholds any) json.RawMessage {
	text, err := json.Marshal(thresholds)
	if err != nil {
		panic(err) // numbers that were read from JSON always encode
	}
	return text
}

func readJSON(text json.RawMessage, thresholds any) {
	if err := json.Unmarshal(text, thresholds); err != nil {
		panic(err) // what the request validator has passed, or jsonOf has written
	}
}

// orZero returns what an optional member holds, or its zero value.
func orZero[T any](member *T) (value T) {
	set(&value, member)
	return value
}

// orNil leaves an optional member out when it is empty.
func orNil[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// listed is never nil: a list without members is written as one.
func listed(members []string) []string { return append([]string{}, members...) }

// set changes target when the member was sent.
func set[T any](target, member *T) {
	if member != nil {
		*target = *member
	}
}
