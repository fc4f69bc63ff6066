package telemetry_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

func recordOf(agent string, at telemetry.Instant) telemetry.Record {
	doc, _ := json.Marshal(map[string]string{"agent": agent})
	return telemetry.Record{ID: agent, At: at, Doc: doc}
}

func TestErasuresTakeOneAgentUpToAnInstant(t *testing.T) {
	t.Parallel()
	const key, before = "key of the tenant", telemetry.Instant(1000)
	erasures := telemetry.NewErasures(key)
	erasures.Add(telemetry.SubjectOf(key, "mira.holm"), 10)
	erasures.Add(telemetry.SubjectOf(key, "mira.holm"), before)
	erasures.Add(telemetry.SubjectOf(key, "mira.holm"), 20)
	tests := []struct {
		name       string
		agent      string
		at         telemetry.Instant
		receivedAt telemetry.Instant
		erased     bool
	}{
		{"an earlier call", "mira.holm", 500, 600, true},
		{"an earlier call that an outbox held back", "mira.holm", 999, 9000, true},
		{"a clock that was ahead", "mira.holm", 90_000, 999, true},
		{"a later call", "mira.holm", 1000, 1000, false},
		{"another agent", "mira.holmes", 500, 600, false},
		{"a name that differs in case", "Mira.Holm", 500, 600, false},
		{"nobody", "", 500, 600, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := telemetry.Envelope{Ingest: telemetry.Ingest{ReceivedAt: test.receivedAt}, Records: []telemetry.Record{recordOf("other", 1), recordOf(test.agent, test.at)}}
			left, n := erasures.Apply(e)
			if want := map[bool]int{true: 1, false: 0}[test.erased]; n != want || len(left.Records) != 2-want || left.Records[0].ID != "other" {
				t.Errorf("%d records erased, left %v", n, left.Records)
			}
			if len(e.Records) != 2 {
				t.Error("the envelope itself was changed")
			}
			if got := telemetry.Erased(e, e.Records[1], "mira.holm", before); got != test.erased {
				t.Errorf("erased: %t", got)
			}
		})
	}
}

func TestASubjectDoesNotTellTheAgent(t *testing.T) {
	t.Parallel()
	one := telemetry.SubjectOf("key", "mira.holm")
	if one != "eb16ff63f95bb336648da71377b4ed1f" { // printf 'erasure of agent\0mira.holm' | openssl dgst -sha256 -hmac key
		t.Errorf("%s is not what docs/operations.md finds", one)
	}
	if one == telemetry.SubjectOf("other key", "mira.holm") || one == telemetry.SubjectOf("key", "mira.holn") {
		t.Error("key or name has no part in it")
	}
	if strings.Contains(string(one), "mira") || len(one) != 32 {
		t.Errorf("subject %q", one)
	}
	if parsed, err := telemetry.ParseSubject(string(one)); err != nil || parsed != one {
		t.Errorf("%q, %v", parsed, err)
	}
	for _, text := range []string{"", "mira.holm", string(one) + "0", string(one[:30]), strings.ToUpper(string(one)), "../" + string(one[3:])} {
		if _, err := telemetry.ParseSubject(text); err == nil && text != string(one) {
			t.Errorf("%q was taken for a subject", text)
		}
	}
}
