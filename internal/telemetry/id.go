package telemetry

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

// idPrefix begins the ids of all records of one kind, instance, agent and contact: they are neighbours in a sorted index,
// where an equal beginning costs nothing. It never depends on the batch or the page: every tab of a page gets every
// statistic, and all of them must fall together.
func idPrefix(kind, instance, agent, contact string) string {
	if contact == "" {
		contact = "-"
	}
	return hash(9, kind, instance, agent, contact)
}

// SummaryID is the id of the summary of a contact and agent, so that writing it again overwrites.
func SummaryID(contact, agent string) string { return idPrefix(KindCallSummary, "", agent, contact) }

// hash returns n bytes of SHA-256 over parts, none of which holds a NUL, as base64url.
func hash(n int, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:n])
}

// Among the ids of call reports, "~" is in those of what belongs to a report and is none.
const (
	besides  = "~"
	lateMark = besides + "_" // no number in base 36 begins so
)

// IsReport reports whether a document of KindCallReport, by its id, is a report: not a later part of one that was too large for a
// message, which holds seconds only, and not what an agent said of a call after its report.
func IsReport(id string) bool { return !strings.Contains(id, besides) }

// IsLateMark reports whether a document of KindCallReport, by its id, is what an agent said of a call after its report.
func IsLateMark(id string) bool { return strings.Contains(id, lateMark) }

func base36(value int64) string { return strconv.FormatInt(value, 36) }

// unique returns id for the first record of the body that asks for it, and id with an ordinal for each one after.
func (d *decoder) unique(id string) string {
	d.taken[id]++
	if n := d.taken[id]; n > 1 {
		return id + "." + strconv.Itoa(n)
	}
	return id
}
