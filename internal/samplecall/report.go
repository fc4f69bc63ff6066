package samplecall

import "time"

// versions are the libraries of each family.
var versions = map[Family]struct{ rtc, streams string }{
	Interarrival:     {"1.2.4", "2.18.0"},
	BufferDelay:      {"1.3.2", "2.28.2"},
	InterarrivalPlus: {"1.4.0", "2.28.4"},
}

// report returns the body of the call report.
func (m *maker) report() map[string]any {
	end := len(m.seconds)
	const connecting = 700 * time.Millisecond
	report := map[string]any{
		"callStartTime":               m.Start.Add(-connecting).Format("2006-01-02T15:04:05.000Z"),
		"callEndTime":                 m.at(end),
		"gumTimeMillis":               16,
		"initializationTimeMillis":    45,
		"iceCollectionTimeMillis":     171,
		"signallingConnectTimeMillis": 2,
		"handshakingTimeMillis":       472,
		"preTalkingTimeMillis":        522,
		"talkingTimeMillis":           1000 * end,
		"cleanupTimeMillis":           nil,
		"softphoneStreamStatistics":   []any{m.total("audio_input"), m.total("audio_output")},
		"rtcJsVersion":                versions[m.Family].rtc,
		"streamJsVersion":             versions[m.Family].streams,
		"contactSubtype":              "connect:Telephony",
		"isConnected":                 true,
		"iceConnectionsLost":          0,
		"skewTimeMillis":              -12,
		"vdiPlatform":                 nil,
		perSecond: map[string]any{
			"AUDIO_INPUT":  m.series(func(s second) direction { return s.in }, m.Family != Interarrival),
			"AUDIO_OUTPUT": m.series(func(s second) direction { return s.out }, true),
		},
	}
	for _, flag := range []string{
		"iceCollectionFailure", "signallingConnectionFailure", "handshakingFailure", "gumOtherFailure", "gumTimeoutFailure",
		"createOfferFailure", "setLocalDescriptionFailure", "userBusyFailure", "invalidRemoteSDPFailure",
		"noRemoteIceCandidateFailure", "setRemoteDescriptionFailure",
	} {
		report[flag] = false
	}
	return m.about(end, map[string]any{
		"numberofCpu":            8,
		"localDeviceMemoryLimit": 8,
		"agentBrowserName":       "Chrome",
		"agentBrowserversion":    "143.0.7312.58",
		"ccpVersion":             "2.0",
		"report":                 report,
	})
}

const perSecond = "softphoneStreamPerSecondStatistics"

// total returns a direction's sums over the call.
func (m *maker) total(streamType string) map[string]any {
	packets, lost := 0, 0
	for _, s := range m.seconds {
		d := s.out
		if streamType == "audio_input" {
			d = s.in
		}
		packets += d.packets
		lost += d.lost
	}
	return map[string]any{
		"softphoneStreamType": streamType, "timestamp": m.at(len(m.seconds)), "packetsLost": lost, "packetsCount": packets,
		"audioLevel": 900, "jitterBufferMillis": nil, "roundTripTimeMillis": nil,
	}
}

func (m *maker) series(of func(second) direction, withRoundTrip bool) map[string]any {
	var packets, lost, levels, jitters, trips []any
	for _, s := range m.seconds {
		d := of(s)
		packets, lost, levels = append(packets, d.packets), append(lost, d.lost), append(levels, d.level)
		jitters, trips = append(jitters, d.jitter), append(trips, d.roundTrip)
	}
	series := map[string]any{"packetsCount": packets, "packetsLost": lost, "audioLevel": levels, "jitterBufferMillis": jitters}
	if withRoundTrip {
		series["roundTripTimeMillis"] = trips
	}
	return series
}
