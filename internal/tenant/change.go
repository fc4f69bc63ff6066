package tenant

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
)

// A Change is what somebody asks to be different of a tenant that exists. What is nil, and a kind that is not listed, stays.
type Change struct {
	DisplayName      *string           `json:"display_name,omitempty"`
	PrivacyIP        *IPPrivacy        `json:"privacy_ip,omitempty"`
	SoftphoneOrigins *[]string         `json:"softphone_origins,omitempty"`
	CCPHosts         *[]string         `json:"ccp_hosts,omitempty"`
	RetentionDays    *int              `json:"retention_days,omitempty"`
	ArchiveDays      *int              `json:"archive_days,omitempty"`
	IndexPeriod      map[string]Period `json:"index_period,omitempty"` // by kind of document
	ByVolume         bool              `json:"by_volume,omitempty"`    // nobody chose the periods: see PeriodFrom
	Thresholds       json.RawMessage   `json:"thresholds,omitempty"`   // the members of Thresholds that change, at any depth
	MediaOwner       *MediaOwner       `json:"media_owner,omitempty"`
	DeleteProtection *bool             `json:"delete_protection,omitempty"`
	ConnectInstances InstancesChange   `json:"connect_instances,omitzero"`
}

var errCCPHostInUse = fault.New(fault.Invalid, "settings.ccp_host_in_use",
	"A Connect instance of the tenant is at a host that the list no longer has.")

// Apply returns t as it is after the change, in its normal form, or a fault that names everything that is wrong, as
// Draft.Check does. t stays as it is. An index period that changes does so at PeriodsFrom(now).
func (c Change) Apply(t Tenant, now time.Time) (Tenant, error) {
	w := &wrongs{}
	s := &t.Settings
	set(&t.DisplayName, c.DisplayName)
	set(&s.Privacy.IP, c.PrivacyIP)
	set(&s.SoftphoneOrigins, c.SoftphoneOrigins)
	set(&s.CCPHosts, c.CCPHosts)
	set(&s.RetentionDays, c.RetentionDays)
	set(&s.ArchiveDays, c.ArchiveDays)
	set(&s.MediaOwner, c.MediaOwner)
	set(&s.DeleteProtection, c.DeleteProtection)
	s.IndexPeriod = maps.Clone(s.IndexPeriod)
	for kind, period := range c.IndexPeriod {
		s.IndexPeriod[kind] = changePeriod(s.IndexPeriod[kind], PeriodFrom{PeriodsFrom(now), period, c.ByVolume})
	}
	if err := s.Thresholds.merge(c.Thresholds); err != nil {
		w.add("/settings/thresholds", errThreshold.With("Send the thresholds that change, by their names."))
	}
	if c.DisplayName != nil {
		checkDisplayName(w, &t.DisplayName)
	}
	s.check(w)
	c.ConnectInstances.apply(w, &t)
	if c.CCPHosts != nil {
		t.checkHostsInUse(w)
	}
	return t, w.err()
}

func set[T any](target, value *T) {
	if value != nil {
		*target = *value
	}
}

// checkHostsInUse keeps in the list what the tenant's own Connect instances are served from.
func (t Tenant) checkHostsInUse(w *wrongs) {
	for _, instance := range t.ConnectInstances {
		address, err := url.Parse(instance.CCPURL)
		if err != nil { // it was checked when it was taken
			continue
		}
		host := address.Hostname()
		if connectDomain(host) == "" && !slices.Contains(t.Settings.CCPHosts, host) {
			w.add("/settings/ccp_hosts", errCCPHostInUse.With(fmt.Sprintf(
				"Connect instance %s is at %s: keep that host in the list.", instance.Alias, host)))
		}
	}
}

// settled is how long after a change was asked for every indexer names indices by it, at the latest, and no record of an
// instant beyond it has been taken: telemetry takes records of up to a day ahead, and a stack update is over within a day.
const settled = 48 * time.Hour

// PeriodsFrom returns the instant from which an index period holds that is asked for now: the first midnight, in UTC, that
// is more than settled away.
func PeriodsFrom(now time.Time) time.Time {
	const day = 24 * time.Hour
	return now.UTC().Add(settled).Truncate(day).Add(day)
}

// changePeriod returns a kind's list with another period from an instant on. What held before stays, so that a record finds
// the index that it would have found before; what would have begun at that instant, or later, has named nothing yet. A period that
// was measured and is now chosen is the same period.
func changePeriod(list []PeriodFrom, to PeriodFrom) []PeriodFrom {
	kept := slices.Clone(list)
	isSame := func() bool {
		last := len(kept) - 1
		if last < 0 || kept[last].Period != to.Period {
			return false
		}
		kept[last].ByVolume = kept[last].ByVolume && to.ByVolume
		return true
	}
	if isSame() {
		return kept
	}
	for len(kept) > 1 && !kept[len(kept)-1].ValidFrom.Before(to.ValidFrom) {
		kept = kept[:len(kept)-1]
	}
	if isSame() {
		return kept
	}
	return append(kept, to)
}
