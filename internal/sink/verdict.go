package sink

import (
	"net/http"
	"slices"
	"strings"
)

// Verdict is what is known of one document after a bulk.
type Verdict int

// The verdicts. Retry is the zero value: what nobody said is written may be missing.
const (
	Retry   Verdict = iota // not known to be written; send it again later
	Done                   // in the index, by this write or an earlier one
	Refused                // never will be written as it is
)

// An Outcome is the verdict on one document, with search's reason when it is not Done.
type Outcome struct {
	Verdict Verdict
	Type    string // search's name of the error, safe to log
	Reason  string // search's own words; may quote the document
}

type cause struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

const versionConflict = "version_conflict_engine_exception"

// passing are errors that go away by themselves although their status says that the request is wrong.
var passing = []string{
	"cluster_block_exception", // 403: read-only for want of disk or memory
	"resource_already_exists_exception",
	"index_not_found_exception",
	"index_closed_exception",
	"process_cluster_event_timeout_exception",
	"unavailable_shards_exception",
	"no_shard_available_action_exception",
	"opensearch_rejected_execution_exception",
	"es_rejected_execution_exception",
	"rejected_execution_exception",
	"circuit_breaking_exception",
}

// judge reads one item of a bulk's answer. Only a status that says so makes a document Done, and only an error that is
// about the document itself makes it Refused; all else may pass. Even 403 does: a writer without its rights says nothing of the
// document, which waits until they are mended.
func judge(status int, c cause) Outcome {
	o := Outcome{Type: c.Type, Reason: c.Reason}
	switch {
	case status == http.StatusOK || status == http.StatusCreated:
		return Outcome{Verdict: Done}
	case status == http.StatusConflict && c.Type == versionConflict:
		o.Verdict = Done // the first write stays, or a newer version is there
	case slices.Contains(passing, c.Type) || isFull(c):
	case status == http.StatusBadRequest:
		o.Verdict = Refused
	}
	return o
}

// isFull recognises a cluster that has as many shards as it may: a 400 that says nothing about the document.
func isFull(c cause) bool {
	return strings.Contains(c.Reason, "maximum") && strings.Contains(c.Reason, "shards open")
}
