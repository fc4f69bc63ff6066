package verdict_test

import (
	"testing"

	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/verdict"
)

const began telemetry.Instant = 1_795_510_800_000

func ref[T any](value T) *T { return &value }

// second i of a healthy direction, as schema 2 sends it.
func second(i int) verdict.Second {
	return verdict.Second{
		At: began + telemetry.Instant(i)*1000, Packets: ref[int64](50), Lost: ref[int64](0), Level: ref[int64](900),
		Jitter: ref(3.0), RoundTrip: ref(60.0), MOS: ref(4.38), Muted: ref(false), OnHold: ref(false), OpenPages: 1, Page: "one",
	}
}

// healthy is a call of so many seconds with nothing to find, and its report.
func healthy(seconds int) verdict.Call {
	c := verdict.Call{About: verdict.About{Agent: "mira.holm", ContactID: "c"}}
	for i := range seconds {
		c.Heard, c.Spoken = append(c.Heard, second(i)), append(c.Spoken, second(i))
	}
	c.Reports = []verdict.Report{{
		Started: began - 700, Ended: began + telemetry.Instant(seconds)*1000, Packets: 1, TalkingSeconds: float64(seconds), ConnectMillis: 700,
	}}
	for i := -60; i < seconds+60; i += 25 {
		c.Metrics = append(c.Metrics, verdict.Metric{At: began + telemetry.Instant(i)*1000, IsSnapshot: true, IsMethod: true})
	}
	return c
}

// spoil changes the seconds from..to of a direction.
func spoil(seconds []verdict.Second, from, to int, change func(*verdict.Second)) {
	for i := from; i < to; i++ {
		change(&seconds[i])
	}
}

func judge(t *testing.T, c verdict.Call) verdict.Summary {
	t.Helper()
	s, ok := verdict.Judge(c, tenant.DefaultThresholds())
	if !ok {
		t.Fatal("nothing to judge")
	}
	return s
}

func severity(s verdict.Summary, id, heardBy string) string {
	for _, f := range s.Findings {
		if f.ID == id && f.HeardBy == heardBy {
			return f.Severity
		}
	}
	return ""
}
