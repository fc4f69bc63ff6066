package tenant

import (
	"fmt"
	"slices"
	"time"
)

// IPPrivacy says how much of an agent's address is kept.
type IPPrivacy string

// MediaOwner says who owns the call's media in the softphone.
type MediaOwner string

// Period is how much time one index spans.
type Period string

// The values of settings.
const (
	IPFull      IPPrivacy = "full"
	IPTruncated IPPrivacy = "truncated" // /24 and /48
	IPNone      IPPrivacy = "none"

	MediaFrame MediaOwner = "frame"
	MediaPage  MediaOwner = "page"

	Day     Period = "day"
	Week    Period = "week"
	Month   Period = "month"
	Quarter Period = "quarter"
	Year    Period = "year"
)

// PeriodFrom says which period holds for records from an instant on. A kind's list only ever grows, so that the same
// record always finds the same index.
type PeriodFrom struct {
	ValidFrom time.Time `json:"valid_from"`
	Period    Period    `json:"period"`
}

// Settings are what an admin may choose for a tenant. Thresholds join them with the call summary.
type Settings struct {
	Privacy          Privacy                 `json:"privacy"`
	SoftphoneOrigins []string                `json:"softphone_origins"` // besides the site's own, normalised
	CCPHosts         []string                `json:"ccp_hosts"`         // hosts outside Amazon Connect's domains that may serve a CCP
	RetentionDays    int                     `json:"retention_days"`
	ArchiveDays      int                     `json:"archive_days"`
	IndexPeriod      map[string][]PeriodFrom `json:"index_period"` // by kind of document
	MediaOwner       MediaOwner              `json:"media_owner"`
	DeleteProtection bool                    `json:"delete_protection"`
}

// Privacy is what is kept of people.
type Privacy struct {
	IP IPPrivacy `json:"ip"`
}

// Kinds are the kinds of document whose period can be set.
var Kinds = []string{"softphonestreamstats", "softphonecallreport", "apimetric"}

// DefaultSettings returns what a tenant gets that chooses nothing.
func DefaultSettings() Settings {
	periods := make(map[string][]PeriodFrom, len(Kinds))
	for _, kind := range Kinds {
		periods[kind] = []PeriodFrom{{Period: Quarter}}
	}
	return Settings{
		Privacy:          Privacy{IP: IPFull},
		SoftphoneOrigins: []string{},
		CCPHosts:         []string{},
		RetentionDays:    90,
		ArchiveDays:      90,
		IndexPeriod:      periods,
		MediaOwner:       MediaFrame,
	}
}

const maxListed = 50 // origins or hosts of one tenant: what fits a function's environment

// check normalises s in place and returns what is wrong with it.
func (s *Settings) check(w *wrongs) {
	if !slices.Contains([]IPPrivacy{IPFull, IPTruncated, IPNone}, s.Privacy.IP) {
		w.add("/settings/privacy/ip", "settings.privacy_invalid", "Use full, truncated or none.")
	}
	if !slices.Contains([]MediaOwner{MediaFrame, MediaPage}, s.MediaOwner) {
		w.add("/settings/media_owner", "settings.media_owner_invalid", "Use frame or page.")
	}
	w.between("/settings/retention_days", s.RetentionDays, 1, 3650)
	w.between("/settings/archive_days", s.ArchiveDays, 1, 3650)
	w.atMost("/settings/softphone_origins", len(s.SoftphoneOrigins), maxListed)
	w.atMost("/settings/ccp_hosts", len(s.CCPHosts), maxListed)
	for i, origin := range s.SoftphoneOrigins {
		normal, err := NormalOrigin(origin)
		if err != nil {
			w.add(fmt.Sprintf("/settings/softphone_origins/%d", i), "settings.origin_invalid", err.Error())
			continue
		}
		s.SoftphoneOrigins[i] = normal
	}
	s.SoftphoneOrigins = compact(s.SoftphoneOrigins)
	for i, host := range s.CCPHosts {
		normal, err := normalHost(host)
		if err != nil {
			w.add(fmt.Sprintf("/settings/ccp_hosts/%d", i), "settings.ccp_host_invalid", err.Error())
			continue
		}
		s.CCPHosts[i] = normal
	}
	s.CCPHosts = compact(s.CCPHosts)
	for kind, periods := range s.IndexPeriod {
		at := "/settings/index_period/" + kind
		if !slices.Contains(Kinds, kind) {
			w.add(at, "settings.index_period_invalid", "There is no such kind of document.")
			continue
		}
		w.atMost(at, len(periods), maxListed)
		if len(periods) == 0 || !periods[0].ValidFrom.IsZero() || !slices.IsSortedFunc(periods, byInstant) {
			w.add(at, "settings.index_period_invalid", "List periods in order of valid_from; the first has none.")
		}
		for _, p := range periods {
			if !slices.Contains([]Period{Day, Week, Month, Quarter, Year}, p.Period) {
				w.add(at, "settings.index_period_invalid", "Use day, week, month, quarter or year.")
			}
		}
	}
}

func byInstant(a, b PeriodFrom) int { return a.ValidFrom.Compare(b.ValidFrom) }

// compact removes later repetitions.
func compact(list []string) []string {
	kept := make([]string, 0, len(list))
	for _, item := range list {
		if !slices.Contains(kept, item) {
			kept = append(kept, item)
		}
	}
	return kept
}
