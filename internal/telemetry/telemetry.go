// Package telemetry turns what a softphone's browser sends into documents: it reads the three bodies into types that have
// no place for a secret, cleans and derives, gives every record its id, and wraps the result into the envelope that
// travels through the queue. It knows neither HTTP nor a queue nor a search engine.
package telemetry

import (
	"github.com/earshot-hq/earshot/internal/fault"
)

// The kinds of document.
const (
	KindStreamStats = "softphonestreamstats"
	KindCallReport  = "softphonecallreport"
	KindAPIMetric   = "apimetric"
	KindCallSummary = "callsummary" // computed from the others, one of each contact and agent
)

// Measured are the kinds that browsers send. Only they are archived; all else is computed from them.
var Measured = []string{KindStreamStats, KindCallReport, KindAPIMetric}

// ProbeAgent is the agent of the synthetic call, whose documents carry probe: true.
const ProbeAgent = "earshot.probe"

// MaxRecords is how many records one body may hold.
const MaxRecords = 500

// MaxBytes returns how large a decoded body of a kind may be.
func MaxBytes(kind string) int {
	if kind == KindCallReport {
		return 2 << 20 // a two-hour call with its per-second series is 0.8 MB
	}
	return 512 << 10
}

// The faults of a body.
var (
	ErrNotJSON  = fault.New(fault.Malformed, "telemetry.body_not_json", "The body is not JSON.")
	ErrTooLarge = fault.New(fault.TooLarge, "telemetry.body_too_large",
		"The body is too large: 512 KiB decoded, 2 MiB for a call report. Send fewer records at a time.")
	ErrTooManyRecords = fault.New(fault.TooLarge, "telemetry.too_many_records",
		"The body has more than 500 records. Send fewer at a time.")
	ErrAgentMissing = fault.New(fault.Invalid, "telemetry.agent_missing",
		"The body names no agent. Send the Connect username as the string agent.")
	ErrMemberInvalid = fault.New(fault.Invalid, "telemetry.member_invalid",
		"A name is longer than 256 bytes or an id longer than 128, or it holds control characters.")
	ErrNoUsableRecord = fault.New(fault.Invalid, "telemetry.no_usable_record",
		"The body is JSON, but no record in it can be used; rejected says why.")
)

// A Refusal says why one record was left out. Its code is stable: timestamp_missing, timestamp_invalid,
// timestamp_out_of_range, stream_type_invalid, name_missing, name_invalid, record_invalid, report_missing; and of an
// envelope kind_unknown, tenant_invalid, record_invalid.
type Refusal struct {
	Index  int    `json:"index"` // among the records of the body, or of the envelope
	Code   string `json:"code"`
	Detail string `json:"detail"`
}
