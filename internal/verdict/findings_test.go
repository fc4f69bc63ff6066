package verdict_test

import (
	"testing"

	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/verdict"
)

// Each finding just under, at and over each of its thresholds.
func TestFindingsAtTheirThresholds(t *testing.T) {
	t.Parallel()
	type calls = verdict.Call
	lost := func(input bool, perTen int64, of int64) func(*calls) { // in lumps of ten seconds, as the far end reports it
		return func(c *calls) {
			for i := range c.Spoken {
				s := &c.Spoken[i]
				if input {
					s = &c.Heard[i]
				}
				s.Packets = ref(of / 10)
				if i%10 == 9 {
					s.Lost = ref(perTen)
				}
			}
		}
	}
	spoken := func(n int, change func(*verdict.Second)) func(*calls) {
		return func(c *calls) { spoil(c.Spoken, 20, 20+n, change) }
	}
	heard := func(n int, change func(*verdict.Second)) func(*calls) {
		return func(c *calls) { spoil(c.Heard, 20, 20+n, change) }
	}
	jitter := func(ms float64) func(*verdict.Second) { return func(s *verdict.Second) { s.Jitter = ref(ms) } }
	buffer := func(ms float64) func(*calls) {
		return func(c *calls) {
			spoil(c.Heard, 0, 60, func(s *verdict.Second) { s.IsBuffered, s.Jitter = true, ref(60.0) })
			spoil(c.Heard, 20, 30, func(s *verdict.Second) { s.Jitter = ref(ms) })
		}
	}
	trip := func(ms float64) func(*verdict.Second) { return func(s *verdict.Second) { s.RoundTrip = ref(ms) } }
	mos := func(score float64) func(*verdict.Second) { return func(s *verdict.Second) { s.MOS = ref(score) } }
	nothing := func(s *verdict.Second) { s.Packets = ref[int64](0) }
	level := func(n int64) func(*verdict.Second) { return func(s *verdict.Second) { s.Level = ref(n) } }
	held := func(s *verdict.Second) { s.OnHold = ref(true) }
	muted := func(s *verdict.Second) { s.Muted = ref(true) }
	oldSender := func(s *verdict.Second) { s.Muted, s.OnHold = nil, nil }
	both := func(a, b func(*verdict.Second)) func(*verdict.Second) {
		return func(s *verdict.Second) { a(s); b(s) }
	}
	connect := func(ms float64) func(*calls) { return func(c *calls) { c.Reports[0].ConnectMillis = ms } }
	gap := func(n int) func(*calls) {
		return func(c *calls) {
			c.Heard = append(c.Heard[:20:20], c.Heard[20+n:]...)
			c.Spoken = append(c.Spoken[:20:20], c.Spoken[20+n:]...)
		}
	}
	errors := func(n int) func(*calls) {
		return func(c *calls) {
			for i := range n {
				c.Metrics = append(c.Metrics, verdict.Metric{At: began + telemetry.Instant(i)*1000, IsMethod: true, Failed: true})
			}
		}
	}
	addresses := func(each ...string) func(*calls) { // a third of the call each, in both directions
		return func(c *calls) {
			for i := range c.Spoken {
				c.Spoken[i].Address, c.Heard[i].Address = each[i*len(each)/60], each[i*len(each)/60]
			}
		}
	}
	lumpAt := func(seconds []verdict.Second, i int) { seconds[i].Lost = ref[int64](100) }
	const none = ""
	for _, test := range []struct {
		name        string
		change      func(*calls)
		id, heardBy string
		want        string
	}{
		{"1 % of what is sent", lost(false, 5, 500), "loss", "customer", none},
		{"over 1 % of what is sent", lost(false, 51, 5000), "loss", "customer", "note"},
		{"2.5 %", lost(false, 125, 5000), "loss", "customer", "note"},
		{"over 2.5 %", lost(false, 126, 5000), "loss", "customer", "degraded"},
		{"10 %", lost(false, 500, 5000), "loss", "customer", "degraded"},
		{"over 10 %", lost(false, 501, 5000), "loss", "customer", "severe"},
		{"of what is received the lost come on top", lost(true, 11, 990), "loss", "agent", "note"},
		{"1 % of what is received", lost(true, 10, 990), "loss", "agent", none},
		{"2.5 % of what is received", lost(true, 50, 1950), "loss", "agent", "note"},
		{"over 2.5 % of what is received", lost(true, 51, 1950), "loss", "agent", "degraded"},
		{"10 % of what is received", lost(true, 100, 900), "loss", "agent", "degraded"},
		{"over 10 % of what is received", lost(true, 101, 900), "loss", "agent", "severe"},
		{"loss in nine windows", func(c *calls) { c.Spoken = c.Spoken[:18]; lumpAt(c.Spoken, 9) }, "loss", "customer", none},
		{"loss in ten windows", func(c *calls) { c.Spoken = c.Spoken[:19]; lumpAt(c.Spoken, 9) }, "loss", "customer", "severe"},
		{"a second of loss alone is in ten windows", spoken(1, func(s *verdict.Second) { s.Lost = ref[int64](20) }), "loss", "customer", "degraded"},
		{"loss in a sample that holds the calls before", spoken(1, func(s *verdict.Second) { s.Lost, s.IsSuspect = ref[int64](5000), true }), "loss", "customer", none},

		{"30 ms", heard(15, jitter(30)), "jitter", "agent", none},
		{"over 30 ms in 9 of 15 s", heard(9, jitter(30.1)), "jitter", "agent", none},
		{"over 30 ms in 10 of 15 s", heard(10, jitter(30.1)), "jitter", "agent", "degraded"},
		{"60 ms", heard(10, jitter(60)), "jitter", "agent", "degraded"},
		{"over 60 ms", heard(10, jitter(60.1)), "jitter", "agent", "severe"},
		{"150 ms in the buffer", buffer(150), "jitter_buffer", "agent", none},
		{"over 150 ms in the buffer", buffer(150.1), "jitter_buffer", "agent", "degraded"},
		{"300 ms in the buffer", buffer(300), "jitter_buffer", "agent", "degraded"},
		{"over 300 ms in the buffer", buffer(300.1), "jitter_buffer", "agent", "severe"},
		{"a buffer's delay is no jitter", buffer(900), "jitter", "agent", none},

		{"round trip of 300 ms", spoken(15, trip(300)), "round_trip", "", none},
		{"over 300 ms in 9 of 15 s", spoken(9, trip(301)), "round_trip", "", none},
		{"over 300 ms in 10 of 15 s", spoken(10, trip(301)), "round_trip", "", "degraded"},
		{"round trip of 500 ms", spoken(10, trip(500)), "round_trip", "", "degraded"},
		{"over 500 ms", spoken(10, trip(501)), "round_trip", "", "severe"},

		{"a score of 3.6", heard(20, mos(3.6)), "poor_mos", "agent", none},
		{"under 3.6 for 10 s", heard(10, mos(3.59)), "poor_mos", "agent", none},
		{"under 3.6 for more than 10 s", heard(11, mos(3.59)), "poor_mos", "agent", "degraded"},
		{"3.1", heard(11, mos(3.1)), "poor_mos", "agent", "degraded"},
		{"under 3.1", heard(11, mos(3.09)), "poor_mos", "agent", "severe"},

		{"nothing received for 4 s", heard(4, nothing), "nothing_received", "agent", none},
		{"nothing received for 5 s", heard(5, nothing), "nothing_received", "agent", "severe"},
		{"nothing received on hold", heard(5, both(nothing, held)), "nothing_received", "agent", none},
		{"nothing received, hold unknown", heard(5, both(nothing, oldSender)), "nothing_received", "agent", "degraded"},
		{"packets unknown are not none", heard(9, func(s *verdict.Second) { s.Packets = nil }), "nothing_received", "agent", none},
		{"nothing sent for 4 s", spoken(4, nothing), "nothing_sent", "customer", none},
		{"nothing sent for 5 s", spoken(5, nothing), "nothing_sent", "customer", "severe"},
		{"nothing sent while muted", spoken(5, both(nothing, muted)), "nothing_sent", "customer", none},
		{"nothing sent on hold", spoken(5, both(nothing, held)), "nothing_sent", "customer", none},
		{"nothing sent, mute unknown", spoken(5, both(nothing, oldSender)), "nothing_sent", "customer", "degraded"},
		{"silent for 14 s", spoken(14, level(1)), "silent_microphone", "customer", none},
		{"silent for 15 s", spoken(15, level(1)), "silent_microphone", "customer", "severe"},
		{"quiet is not silent", spoken(30, level(2)), "silent_microphone", "customer", none},
		{"silent while muted", spoken(15, both(level(0), muted)), "silent_microphone", "customer", none},
		{"silent, mute unknown", spoken(15, both(level(0), oldSender)), "silent_microphone", "customer", "degraded"},
		{"level unknown is not silent", spoken(30, func(s *verdict.Second) { s.Level = nil }), "silent_microphone", "customer", none},

		{"10 s to connect", connect(10_000), "slow_connect", "", none},
		{"over 10 s to connect", connect(10_001), "slow_connect", "", "degraded"},
		{"15 s to connect", connect(15_000), "slow_connect", "", "degraded"},
		{"over 15 s to connect", connect(15_001), "slow_connect", "", "severe"},
		{"a gap of 4 s", gap(4), "connection_lost", "", none},
		{"a gap of 5 s", gap(5), "connection_lost", "", "severe"},
		{"a connection lost", func(c *calls) { c.Reports[0].ConnectionsLost = 1 }, "connection_lost", "", "severe"},
		{"the report ends 5 s after the last second", func(c *calls) { c.Reports[0].Ended += 5000 }, "connection_lost", "", "severe"},
		{"the report ends 4 s after the last second", func(c *calls) { c.Reports[0].Ended += 4000 }, "connection_lost", "", none},
		{"2 errors", errors(2), "api_errors", "", none},
		{"3 errors", errors(3), "api_errors", "", "degraded"},
		{"errors up to the call's ends", func(c *calls) {
			errors(3)(c)
			for i := range c.Metrics {
				c.Metrics[i].At = began + telemetry.Instant(i%2)*60_000
			}
		}, "api_errors", "", "degraded"},
		{"errors after the call", func(c *calls) {
			errors(3)(c)
			for i := range c.Metrics {
				c.Metrics[i].At = began + 60_001
			}
		}, "api_errors", "", none},
		{"errors before the call", func(c *calls) {
			errors(3)(c)
			for i := range c.Metrics {
				c.Metrics[i].At -= 100_000
			}
		}, "api_errors", "", none},
		{"two pages open", spoken(1, func(s *verdict.Second) { s.OpenPages = 2 }), "multiple_softphones", "", "note"},
		{"a page loaded anew", func(c *calls) { spoil(c.Spoken, 20, 60, func(s *verdict.Second) { s.Page = "two" }); c.Heard = nil }, "multiple_softphones", "", none},
		{"pages alternate", spoken(1, func(s *verdict.Second) { s.Page = "two" }), "multiple_softphones", "", "note"},
		{"one page open", spoken(1, func(s *verdict.Second) { s.OpenPages = 1 }), "multiple_softphones", "", none},
		{"a report of two pages", func(c *calls) { c.Reports[0].OpenPages = 2 }, "multiple_softphones", "", "note"},
		{"one address, or none known", spoken(1, func(s *verdict.Second) { s.Address = "192.0.2.2" }), "multiple_softphones", "", none},
		{"another address from then on", addresses("192.0.2.1", "192.0.2.2", "192.0.2.2"), "multiple_softphones", "", none},
		{"addresses alternate", addresses("192.0.2.1", "192.0.2.2", "192.0.2.1"), "multiple_softphones", "", "note"},
		{"29 s on hold", spoken(29, held), "long_hold", "", none},
		{"30 s on hold", spoken(30, held), "long_hold", "", "note"},
		{"29 s muted", spoken(29, muted), "long_mute", "", none},
		{"30 s muted", spoken(30, muted), "long_mute", "", "note"},
		{"ended on hold", func(c *calls) { spoil(c.Spoken, 30, 60, held) }, "ended_on_hold", "", "note"},
		{"ended on hold of 29 s", func(c *calls) { spoil(c.Spoken, 31, 60, held) }, "ended_on_hold", "", none},
		{"ended on mute", func(c *calls) { spoil(c.Spoken, 30, 60, muted) }, "ended_on_mute", "", "note"},
		{"ended on mute of 29 s", func(c *calls) { spoil(c.Spoken, 31, 60, muted) }, "ended_on_mute", "", none},
		{"ended on mute of 29.9 s, by the report", func(c *calls) { c.Reports[0].MutedAtEnd = 29.9 }, "ended_on_mute", "", none},
		{"ended on mute, by the report", func(c *calls) { c.Reports[0].MutedAtEnd = 30 }, "ended_on_mute", "", "note"},
		{"a failed attempt before one that got media", func(c *calls) {
			c.Reports = append(c.Reports, verdict.Report{FailureStage: "iceCollection"})
		}, "media_failed", "", "degraded"},
		{"no attempt got media", func(c *calls) {
			*c = calls{Reports: []verdict.Report{{Started: began, Ended: began + 9000, FailureStage: "iceCollection"}}}
		}, "media_failed", "", "failed"},
		{"the microphone was refused", func(c *calls) {
			*c = calls{Reports: []verdict.Report{{Started: began, MicrophoneDenied: true, FailureStage: "gumOther"}}}
		}, "microphone_refused", "customer", "failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := healthy(60)
			test.change(&c)
			s := judge(t, c)
			if got := severity(s, test.id, test.heardBy); got != test.want {
				t.Errorf("%s is %q, want %q: %+v", test.id, got, test.want, s.Findings)
			}
		})
	}
}

// A good second does not split a finding, and as many as the rule looks at end it.
func TestFindingsDoNotFlap(t *testing.T) {
	t.Parallel()
	high := func(s *verdict.Second) { s.RoundTrip = ref(400.0) }
	for _, test := range []struct {
		name string
		good int
		want int
	}{{"one good second", 1, 1}, {"ten good seconds", 10, 1}, {"twenty-one good seconds", 40, 2}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := healthy(120)
			spoil(c.Spoken, 10, 30, high)
			spoil(c.Spoken, 30+test.good, 50+test.good, high)
			found, seconds := 0, int64(0)
			for _, f := range judge(t, c).Findings {
				if f.ID == verdict.FindingRoundTrip {
					found++
					seconds += f.Seconds
				}
			}
			if found != test.want || seconds != 40 {
				t.Errorf("%d findings over %d seconds", found, seconds)
			}
		})
	}
}

// A mute that the seconds know and the report too is told once.
func TestAMuteIsToldOnce(t *testing.T) {
	t.Parallel()
	c := healthy(60)
	spoil(c.Spoken, 20, 60, func(s *verdict.Second) { s.Muted = ref(true) })
	c.Reports[0].MutedAtEnd = 40
	n := 0
	for _, f := range judge(t, c).Findings {
		if f.ID == verdict.FindingEndedOnMute {
			n++
		}
	}
	if n != 1 {
		t.Errorf("told %d times", n)
	}
}

// The page asks Connect for a snapshot at least every half minute: more than 45 seconds without one, while the call was bad, speak
// for the agent's network; the same before or after it do not.
func TestMissingSnapshots(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		at    []int // seconds of snapshots; the call is bad from 50 to 65
		cause string
	}{
		{"45 s without one", []int{20, 65, 90}, verdict.CauseUnknown},
		{"more than that", []int{20, 66, 90}, verdict.CauseNetwork},
		{"before", []int{0, 49, 70}, verdict.CauseUnknown},
		{"until it begins", []int{0, 50, 70}, verdict.CauseUnknown},
		{"beyond its end", []int{64, 118}, verdict.CauseNetwork},
		{"after", []int{40, 65, 118}, verdict.CauseUnknown},
		{"one alone", []int{40}, verdict.CauseUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := healthy(120)
			spoil(c.Heard, 50, 65, func(s *verdict.Second) { s.RoundTrip = ref(400.0) })
			c.Metrics = nil
			for _, at := range test.at {
				c.Metrics = append(c.Metrics, verdict.Metric{At: began + telemetry.Instant(at)*1000, IsSnapshot: true, IsMethod: true})
			}
			if s := judge(t, c); s.LikelyCause != test.cause {
				t.Errorf("%s by %v: %+v", s.LikelyCause, s.CauseEvidence, s.Findings)
			}
		})
	}
}
