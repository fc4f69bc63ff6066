package verdict_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/quick"

	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/verdict"
)

// Whole calls, and what a manager reads of them.
func TestCallsAreExplained(t *testing.T) {
	t.Parallel()
	loss := func(s *verdict.Second) { s.Lost = ref[int64](2) }
	for _, test := range []struct {
		name           string
		change         func(*verdict.Call)
		verdict, cause string
		says           string
	}{
		{"a good call", func(*verdict.Call) {}, "good", "",
			"The call was good: its network path was rated 4.38 of 4.5 for the agent and 4.38 for the customer."},
		{"the uplink loses", func(c *verdict.Call) { spoil(c.Spoken, 0, 120, loss) }, "degraded", "agent_uplink",
			"The call was impaired: for 111 seconds more than 2.5 % of what the customer should hear was lost (4.0 % at its worst); " +
				"only what the agent sends was lost, which points to the agent's uplink."},
		{"both directions lose", func(c *verdict.Call) { spoil(c.Spoken, 0, 120, loss); spoil(c.Heard, 0, 120, loss) }, "degraded", "agent_network", "own network"},
		{"only what the agent hears loses", func(c *verdict.Call) { spoil(c.Heard, 0, 120, loss) }, "degraded", "far_side", "far side"},
		{"round trip and jitter up", func(c *verdict.Call) {
			spoil(c.Heard, 0, 120, func(s *verdict.Second) { s.RoundTrip, s.Jitter = ref(450.0), ref(45.0) })
		}, "degraded", "agent_network", "own network"},
		{"a silent microphone on a lossy uplink", func(c *verdict.Call) {
			spoil(c.Spoken, 0, 120, func(s *verdict.Second) { loss(s); s.Level = ref[int64](0) })
		}, "bad", "agent_device", "The call was bad: the agent's microphone was silent for 120 seconds, and for 111 seconds more than 2.5 % of what the customer should hear " +
			"was lost (4.0 % at its worst); this points to the agent's microphone or headset."},
		{"the microphone was refused", func(c *verdict.Call) {
			*c = verdict.Call{Reports: []verdict.Report{{Started: began, Ended: began + 900, MicrophoneDenied: true, FailureStage: "gumOther"}}}
		}, "failed", "agent_device", "The call failed: "},
		{"a laptop was closed", func(c *verdict.Call) {
			c.Reports = nil
			c.Metrics = slices.DeleteFunc(c.Metrics, func(m verdict.Metric) bool { return m.At > began+120_000 })
		}, "bad", "agent_network", "its page never reported the end"},
		{"no report, but the page went on", func(c *verdict.Call) { c.Reports = nil; c.Metrics = append(c.Metrics, afterwards(c)...) }, "bad", "unknown", "never reported"},
		{"the agent found it bad, the figures do not", func(c *verdict.Call) { c.MarkedBadAt = []telemetry.Instant{began + 42_000} }, "good", "",
			"The call was good: its network path was rated 4.38 of 4.5 for the agent and 4.38 for the customer. The agent marked it as bad."},
		{"only a note", func(c *verdict.Call) { spoil(c.Spoken, 20, 60, func(s *verdict.Second) { s.OnHold = ref(true) }) }, "good", "",
			"The call was good, but it was on hold for 40 seconds."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := healthy(120)
			test.change(&c)
			s := judge(t, c)
			if s.Verdict != test.verdict || s.LikelyCause != test.cause || !strings.Contains(s.Explanation, test.says) {
				t.Errorf("%s, %s %v: %s", s.Verdict, s.LikelyCause, s.CauseEvidence, s.Explanation)
			}
		})
	}
}

func afterwards(c *verdict.Call) []verdict.Metric {
	var more []verdict.Metric
	for i := range 8 {
		more = append(more, verdict.Metric{At: c.Metrics[len(c.Metrics)-1].At + telemetry.Instant(25_000*(i+1)), IsSnapshot: true})
	}
	return more
}

// The script of two softphones: the tab that had no media does not decide.
func TestTwoSoftphones(t *testing.T) {
	t.Parallel()
	c := healthy(31)
	for i := range c.Heard {
		c.Heard[i].OpenPages, c.Spoken[i].OpenPages = 2, 2
	}
	c.Reports = []verdict.Report{{Started: began - 1000, Ended: began + 38_000, TalkingSeconds: 38}} // no packet in its totals
	s := judge(t, c)
	if s.Verdict != verdict.Bad || severity(s, "nothing_sent", "customer")+severity(s, "media_failed", "") != "" || severity(s, "multiple_softphones", "") == "" {
		t.Errorf("%s: %+v", s.Verdict, s.Findings)
	}
	if f := s.Findings[0]; f.ID != "connection_lost" || *f.FromSecond != 31 || f.Seconds != 7 {
		t.Errorf("first finding %+v", f)
	}
	if s.RecordsSeen != 62 || s.RecordsExpected != 76 || s.Ended != verdict.EndedReport {
		t.Errorf("%d of %d records, ended %s", s.RecordsSeen, s.RecordsExpected, s.Ended)
	}
}

// Seconds that another page measured too are counted as seen and judged once.
func TestDoubledSecondsAreJudgedOnce(t *testing.T) {
	t.Parallel()
	c := healthy(60)
	spoil(c.Heard, 20, 23, func(s *verdict.Second) { s.Packets = ref[int64](0) })
	for i := 59; i >= 0; i-- {
		twin := c.Heard[i]
		twin.At += 150
		c.Heard = slices.Insert(c.Heard, i+1, twin)
	}
	if s := judge(t, c); s.Verdict != verdict.Good || s.RecordsSeen != 180 || s.RecordsExpected != 120 {
		t.Errorf("%s, %d of %d: %+v", s.Verdict, s.RecordsSeen, s.RecordsExpected, s.Findings)
	}
}

func TestNothingKnownIsNoSummary(t *testing.T) {
	t.Parallel()
	if s, ok := verdict.Judge(verdict.Call{Metrics: []verdict.Metric{{At: began}}}, tenant.DefaultThresholds()); ok {
		t.Errorf("summary %+v", s)
	}
}

// wild makes any call: stretches of trouble of any kind, holes, unknown values, any number of reports.
func wild(seed uint64) verdict.Call {
	dice := rand.New(rand.NewPCG(seed, 1))
	c := healthy(dice.IntN(150))
	for range dice.IntN(8) {
		seconds := c.Heard
		if dice.IntN(2) == 0 {
			seconds = c.Spoken
		}
		if len(seconds) == 0 {
			break
		}
		from := dice.IntN(len(seconds))
		to := from + dice.IntN(len(seconds)-from)
		kind, size := dice.IntN(12), dice.Float64()
		spoil(seconds, from, to, func(s *verdict.Second) {
			switch kind {
			case 0:
				s.Lost = ref(int64(size * 20))
			case 1:
				s.Jitter = ref(size * 100)
			case 2:
				s.RoundTrip = ref(size * 1000)
			case 3:
				s.MOS = ref(1 + size*3.5)
			case 4:
				s.Packets = ref[int64](0)
			case 5:
				s.Level = ref[int64](0)
			case 6:
				s.Muted, s.OnHold = nil, nil
			case 7:
				s.OnHold = ref(true)
			case 8:
				s.IsBuffered, s.Jitter = true, ref(size*500)
			case 9:
				s.MOS, s.RoundTrip, s.Level, s.Jitter = nil, nil, nil, nil
			case 10:
				s.Packets, s.Lost = nil, nil
			case 11:
				s.IsSuspect = true
			}
		})
	}
	if n := len(c.Heard); n > 20 && dice.IntN(3) == 0 {
		from := dice.IntN(n - 10)
		c.Heard, c.Spoken = slices.Delete(c.Heard, from, from+dice.IntN(10)), slices.Delete(c.Spoken, from, from+dice.IntN(10))
	}
	for range dice.IntN(3) {
		c.Reports = append(c.Reports, verdict.Report{Started: began, ConnectMillis: dice.Float64() * 20_000, ConnectionsLost: int64(dice.IntN(2)),
			MicrophoneDenied: dice.IntN(9) == 0, FailureStage: []string{"", "", "iceCollection"}[dice.IntN(3)], MutedAtEnd: dice.Float64() * 60})
	}
	if dice.IntN(4) == 0 {
		c.Reports = nil
	}
	if dice.IntN(3) == 0 {
		c.MarkedBadAt = []telemetry.Instant{began + telemetry.Instant(dice.IntN(150_000))}
	}
	return c
}

var numbers = regexp.MustCompile(`\d+(\.\d+)?`)

// Whatever a call was like, its explanation says nothing that its numbers do not.
func TestExplanationIsNeverContradictedByItsNumbers(t *testing.T) {
	t.Parallel()
	limits := tenant.DefaultThresholds()
	honest := func(seed uint64) bool {
		c := wild(seed)
		s, ok := verdict.Judge(c, limits)
		if !ok {
			return len(c.Heard)+len(c.Spoken)+len(c.Reports) == 0
		}
		if err := contradiction(s, limits); err != nil {
			t.Logf("seed %d: %v in %q of %+v", seed, err, s.Explanation, s)
			return false
		}
		again, _ := verdict.Judge(wild(seed), limits)
		return again.Explanation == s.Explanation
	}
	if err := quick.Check(honest, &quick.Config{MaxCount: 500}); err != nil {
		t.Error(err)
	}
}

func contradiction(s verdict.Summary, limits tenant.Thresholds) error {
	if isTold := strings.Contains(s.Explanation, "The agent marked it as bad."); isTold != s.MarkedBad || s.MarkedBad != (len(s.MarkedBadAt) > 0) {
		return fmt.Errorf("marked %v", s.MarkedBadAt)
	}
	known := []string{"1", "4.5"} // one second, and the best score
	for _, level := range []float64{
		limits.LossPercent.Note, limits.LossPercent.Degraded, limits.LossPercent.Severe, limits.JitterMillis.Degraded, limits.JitterMillis.Severe,
		limits.JitterBufferMillis.Degraded, limits.JitterBufferMillis.Severe, limits.RoundTripMillis.Degraded, limits.RoundTripMillis.Severe,
		limits.MOS.Degraded, limits.MOS.Severe, limits.SlowConnectSeconds.Degraded, limits.SlowConnectSeconds.Severe,
	} {
		known = append(known, strconv.FormatFloat(level, 'f', -1, 64))
	}
	worst := verdict.Good
	order := []string{verdict.Good, verdict.Note, verdict.Degraded, verdict.Severe, verdict.Failed}
	for _, f := range s.Findings {
		known = append(known, f.Value, strconv.FormatInt(f.Seconds, 10))
		if slices.Index(order, f.Severity) > slices.Index(order, worst) {
			worst = f.Severity
		}
		if err := beyond(f, limits); err != nil {
			return err
		}
	}
	for _, d := range []verdict.Direction{s.HeardByAgent, s.HeardByCustomer} {
		if d.MOSMean != nil {
			known = append(known, strconv.FormatFloat(*d.MOSMean, 'f', 2, 64))
		}
	}
	for _, n := range numbers.FindAllString(s.Explanation, -1) {
		if !slices.Contains(known, n) {
			return fmt.Errorf("%s is no number of the summary", n)
		}
	}
	wanted := map[string][2]string{
		verdict.Good: {verdict.Good, "The call was good"}, verdict.Note: {verdict.Good, "The call was good, but"},
		verdict.Degraded: {verdict.Degraded, "The call was impaired: "}, verdict.Severe: {verdict.Bad, "The call was bad: "},
		verdict.Failed: {verdict.Failed, "The call failed: "},
	}[worst]
	if s.Verdict != wanted[0] || !strings.HasPrefix(s.Explanation, wanted[1]) || strings.Count(s.Explanation, ".")-strings.Count(s.Explanation, "0.") < 1 {
		return fmt.Errorf("verdict %s with a worst finding that is %s", s.Verdict, worst)
	}
	return nil
}

// beyond checks that a finding's value is beyond the threshold of its severity and no further.
func beyond(f verdict.Finding, limits tenant.Thresholds) error {
	levels, known := map[string]tenant.Levels{
		"loss": {Degraded: limits.LossPercent.Degraded, Severe: limits.LossPercent.Severe}, "jitter": limits.JitterMillis,
		"jitter_buffer": limits.JitterBufferMillis, "round_trip": limits.RoundTripMillis,
		"poor_mos": limits.MOS, "slow_connect": limits.SlowConnectSeconds,
	}[f.ID]
	if !known {
		return nil
	}
	value, err := strconv.ParseFloat(f.Value, 64)
	if err != nil {
		return err
	}
	if f.ID == "poor_mos" {
		value, levels.Degraded, levels.Severe = -value, -levels.Degraded, -levels.Severe
	}
	severity := verdict.Note
	if value > levels.Severe {
		severity = verdict.Severe
	} else if value > levels.Degraded {
		severity = verdict.Degraded
	}
	if f.Severity != severity || f.ID != "loss" && severity == verdict.Note {
		return fmt.Errorf("%s of %s is %s", f.ID, f.Value, f.Severity)
	}
	return nil
}
