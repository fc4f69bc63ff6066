package telemetry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Subject stands for an agent where the name must not: in what is kept of an erasure after it is done. Who has the name and
// the tenant's key can tell that they belong together; from the subject alone nobody gets to the name.
type Subject string

// subjectBytes are enough that no two agents of a tenant meet.
const subjectBytes = 16

// SubjectOf returns the subject of an agent under a tenant's key: HMAC-SHA-256 (RFC 2104), in hexadecimal digits.
func SubjectOf(key, agent string) Subject {
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte("erasure of agent\x00" + agent)) // a hash takes all
	return Subject(hex.EncodeToString(mac.Sum(nil)[:subjectBytes]))
}

// ParseSubject returns text as a Subject, and an error when it is none.
func ParseSubject(text string) (Subject, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != subjectBytes || text != strings.ToLower(text) {
		return "", fmt.Errorf("a subject is %d hexadecimal digits", 2*subjectBytes)
	}
	return Subject(text), nil
}

// IsAgentName reports whether a text can be the agent of a body.
func IsAgentName(name string) bool {
	return strings.TrimSpace(name) != "" && len(name) <= maxNameBytes && utf8.ValidString(name) && printable(name)
}

// Erased reports whether a record is of an agent of whom all up to an instant is erased: what happened before it, and what was
// received before it whatever its clock said.
func Erased(e Envelope, r Record, agent string, before Instant) bool {
	return isBefore(e, r, before) && agentOf(r) == agent
}

func isBefore(e Envelope, r Record, before Instant) bool {
	return r.At < before || e.Ingest.ReceivedAt < before
}

func agentOf(r Record) string {
	var doc struct {
		Agent string `json:"agent"`
	}
	if json.Unmarshal(r.Doc, &doc) != nil {
		return ""
	}
	return doc.Agent
}

// Erasures are those of one tenant: up to which instant everything of whom.
type Erasures struct {
	key    string
	before map[Subject]Instant
}

// NewErasures returns erasures under a tenant's key, to which Add adds.
func NewErasures(key string) Erasures { return Erasures{key: key, before: map[Subject]Instant{}} }

// Add adds an erasure. Of two of one subject the later counts.
func (s Erasures) Add(of Subject, before Instant) { s.before[of] = max(s.before[of], before) }

// Apply returns the envelope without the records that are erased, and how many they were. What was on its way when an agent
// was erased ends here.
func (s Erasures) Apply(e Envelope) (Envelope, int) {
	if len(s.before) == 0 {
		return e, 0
	}
	kept := make([]Record, 0, len(e.Records))
	for _, r := range e.Records {
		if before, isKnown := s.before[SubjectOf(s.key, agentOf(r))]; !isKnown || !isBefore(e, r, before) {
			kept = append(kept, r)
		}
	}
	erased := len(e.Records) - len(kept)
	e.Records = kept
	return e, erased
}
