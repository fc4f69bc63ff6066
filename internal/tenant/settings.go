package tenant

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
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
	// ByVolume says that nobody chose it: it was measured that the kind's documents come so fast.
	ByVolume bool `json:"by_volume,omitempty"`
}

// Settings are what an admin may choose for a tenant.
type Settings struct {
	Privacy          Privacy                 `json:"privacy"`
	SoftphoneOrigins []string                `json:"softphone_origins"` // besides the site's own, normalised
	CCPHosts         []string                `json:"ccp_hosts"`         // hosts outside Amazon Connect's domains that may serve a CCP
	RetentionDays    int                     `json:"retention_days"`
	ArchiveDays      int                     `json:"archive_days"`
	IndexPeriod      map[string][]PeriodFrom `json:"index_period"` // by kind of document
	Thresholds       Thresholds              `json:"thresholds"`
	MediaOwner       MediaOwner              `json:"media_owner"`
	DeleteProtection bool                    `json:"delete_protection"`
}

// Privacy is what is kept of people.
type Privacy struct {
	IP IPPrivacy `json:"ip"`
}

// Kinds are the kinds of document whose period can be set.
var Kinds = []string{"softphonestreamstats", "softphonecallreport", "apimetric", "callsummary"}

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
		Thresholds:       DefaultThresholds(),
		MediaOwner:       MediaFrame,
	}
}

var (
	errPrivacy    = fault.New(fault.Invalid, "settings.privacy_invalid", "Use full, truncated or none.")
	errMediaOwner = fault.New(fault.Invalid, "settings.media_owner_invalid", "Use frame or page.")
	errOrigin     = fault.New(fault.Invalid, "settings.origin_invalid", "Send scheme and host only: https://softphone.example.com.")
	errCCPHost    = fault.New(fault.Invalid, "settings.ccp_host_invalid", "Send a host name in its ASCII form.")
	errPeriod     = fault.New(fault.Invalid, "settings.index_period_invalid", "Use day, week, month, quarter or year.")
	errOutOfRange = fault.New(fault.Invalid, "settings.out_of_range", "The number is out of range.")
)

// What fits a stack's parameter and a function's environment, each 4 KiB (aws.md 8.1).
const (
	maxListed     = 50   // origins or hosts of one tenant
	maxOriginText = 2048 // characters of all its origins
	maxPeriods    = 12   // periods that a kind has had
)

// check normalises s in place and returns what is wrong with it.
func (s *Settings) check(w *wrongs) {
	if !slices.Contains([]IPPrivacy{IPFull, IPTruncated, IPNone}, s.Privacy.IP) {
		w.add("/settings/privacy/ip", errPrivacy)
	}
	if !slices.Contains([]MediaOwner{MediaFrame, MediaPage}, s.MediaOwner) {
		w.add("/settings/media_owner", errMediaOwner)
	}
	w.between("/settings/retention_days", s.RetentionDays, 1, 3650)
	w.between("/settings/archive_days", s.ArchiveDays, 1, 3650)
	w.atMost("/settings/softphone_origins", len(s.SoftphoneOrigins), maxListed)
	w.atMost("/settings/ccp_hosts", len(s.CCPHosts), maxListed)
	s.SoftphoneOrigins = normalise(s.SoftphoneOrigins, NormalOrigin, func(i int, err error) {
		w.add(fmt.Sprintf("/settings/softphone_origins/%d", i), errOrigin.With(err.Error()))
	})
	s.CCPHosts = normalise(s.CCPHosts, normalHost, func(i int, err error) {
		w.add(fmt.Sprintf("/settings/ccp_hosts/%d", i), errCCPHost.With(err.Error()))
	})
	if n := len(strings.Join(s.SoftphoneOrigins, ",")); n > maxOriginText {
		w.add("/settings/softphone_origins", errTooMany.With(fmt.Sprintf("The origins have %d characters together; at most %d fit.", n, maxOriginText)))
	}
	s.checkPeriods(w)
	s.Thresholds.check(w)
}

func (s *Settings) checkPeriods(w *wrongs) {
	for kind, periods := range s.IndexPeriod {
		at := "/settings/index_period/" + kind
		if !slices.Contains(Kinds, kind) {
			w.add(at, errPeriod.With("There is no such kind of document."))
			continue
		}
		w.atMost(at, len(periods), maxPeriods)
		if len(periods) == 0 || !periods[0].ValidFrom.IsZero() || !slices.IsSortedFunc(periods, byInstant) {
			w.add(at, errPeriod.With("List periods in order of valid_from; the first has none."))
		}
		for _, p := range periods {
			if !slices.Contains([]Period{Day, Week, Month, Quarter, Year}, p.Period) {
				w.add(at, errPeriod)
			}
		}
	}
}

func byInstant(a, b PeriodFrom) int { return a.ValidFrom.Compare(b.ValidFrom) }

// normalise returns list in its normal form without repetitions, and tells wrong of every member that has none.
func normalise(list []string, normal func(string) (string, error), wrong func(int, error)) []string {
	kept := make([]string, 0, len(list))
	for i, item := range list {
		item, err := normal(item)
		switch {
		case err != nil:
			wrong(i, err)
		case !slices.Contains(kept, item):
			kept = append(kept, item)
		}
	}
	return kept
}
