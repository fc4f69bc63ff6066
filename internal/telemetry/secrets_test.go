package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// marks stand in testdata wherever a secret may.
var marks = [][]byte{[]byte("CANARY"), []byte("SECRET")}

// leak returns a mark that what became of a body still holds.
func leak(tb testing.TB, batch Batch, err error) string {
	tb.Helper()
	text, marshalErr := batch.Envelope.Marshal()
	if marshalErr != nil {
		tb.Fatal(marshalErr)
	}
	documents, refused := Documents(batch.Envelope, nil)
	for _, document := range documents {
		text = append(text, document.Source...)
		text = append(text, document.ID+document.Index...)
	}
	text = fmt.Appendf(text, "%v %+v %+v", err, batch.Rejected, refused)
	for _, mark := range marks {
		if at := bytes.Index(text, mark); at >= 0 {
			return string(text[max(0, at-60):min(len(text), at+60)])
		}
	}
	return ""
}

// Also of a body that is cut anywhere, so that it is no JSON.
func TestNoSecretPasses(t *testing.T) {
	t.Parallel()
	for name, body := range testFiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range Measured {
				for cut := len(body); cut > 0; cut -= 1 + len(body)/40 {
					batch, err := Decode(kind, body[:cut], arrival())
					if found := leak(t, batch, err); found != "" {
						t.Fatalf("as %s, cut at %d: %s", kind, cut, found)
					}
				}
			}
		})
	}
}

// Each place where the configuration of a call may hold a secret.
func TestMediaConfigurations(t *testing.T) {
	t.Parallel()
	const plain = `{"signalingEndpoint":"wss://rtc.connect-telecom.us-gov-west-1.amazonaws.com/LilyRTC","iceServers":[{"urls":["turn:t.example:3478?transport=udp"],"credential":"SECRET"}]}`
	escaped := strings.ReplaceAll(plain, `"`, "&quot;")
	for name, row := range map[string]struct{ members, endpoint, ice, region string }{
		"object":          {`"callConfigJson":` + plain, "wss://rtc.connect-telecom.us-gov-west-1.amazonaws.com/LilyRTC", "turn:t.example:3478", "us-gov-west-1"},
		"escaped":         {`"callConfigJson":"` + escaped + `"`, "wss://rtc.connect-telecom.us-gov-west-1.amazonaws.com/LilyRTC", "turn:t.example:3478", "us-gov-west-1"},
		"escaped twice":   {`"callConfigJson":"` + strings.ReplaceAll(escaped, "&", "&amp;") + `"`, "wss://rtc.connect-telecom.us-gov-west-1.amazonaws.com/LilyRTC", "turn:t.example:3478", "us-gov-west-1"},
		"null":            {`"callConfigJson":null`, "", "", ""},
		"text null":       {`"callConfigJson":"null"`, "", "", ""},
		"broken":          {`"callConfigJson":"{\"iceServers\":[{\"credential\":\"SECRET\""`, "", "", ""},
		"a list":          {`"callConfigJson":["SECRET"]`, "", "", ""},
		"user info":       {`"callConfigJson":{"signalingEndpoint":"wss://SECRET:SECRET@host.example/x?SECRET#SECRET"}`, "wss://host.example/x", "", ""},
		"secret in path":  {`"callConfigJson":{"signalingEndpoint":"wss://host.example/x;token=SECRET"}`, "wss://host.example", "", ""},
		"no address":      {`"callConfigJson":{"signalingEndpoint":"SECRET"}`, "", "", ""},
		"backslash":       {`"callConfigJson":{"signalingEndpoint":"wss://SECRET\\@host.example/"}`, "", "", ""},
		"other scheme":    {`"callConfigJson":{"signalingEndpoint":"data://SECRET"}`, "", "", ""},
		"urls is a text":  {`"callConfigJson":{"iceServers":[{"urls":"turns:t.example"}]}`, "", "turns:t.example", ""},
		"older url":       {`"callConfigJson":{"iceServers":[{"url":"stun:t.example"}]}`, "", "stun:t.example", ""},
		"user in ice":     {`"callConfigJson":{"iceServers":[{"urls":["turn:SECRET:1234@t.example:3478","turn:SECRET?x@t.example","turn:u@SECRET@t.example"]}]}`, "", "turn:t.example:3478, turn:t.example", ""},
		"no ice":          {`"callConfigJson":{"iceServers":[{"urls":["https://t.example/SECRET","SECRET:3478",7,null]},"SECRET"]}`, "", "", ""},
		"ice is no list":  {`"callConfigJson":{"iceServers":"SECRET"}`, "", "", ""},
		"schema 2":        {`"signalingHost":"rtc.connect-telecom.eu-west-2.amazonaws.com","iceHosts":["turn:t.example:3478","t.example","[2001:db8::7]:443"]`, "rtc.connect-telecom.eu-west-2.amazonaws.com", "turn:t.example:3478, t.example, [2001:db8::7]:443", "eu-west-2"},
		"schema 2 secret": {`"signalingHost":"SECRET@host.example","iceHosts":["SECRET:1@3478","turn:SECRET@t.example"]`, "", "turn:t.example", ""},
		"region by us":    {`"signalingHost":"rtc.eu-west-2.amazonaws.com.evil.example"`, "rtc.eu-west-2.amazonaws.com.evil.example", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"agent":"a",` + row.members + `,"softphoneStreamStatistics":[{"softphoneStreamType":"audio_input","timestamp":"2026-11-24T09:00:00Z"}]}`
			batch := mustDecode(t, KindStreamStats, []byte(body), arrival())
			if found := leak(t, batch, nil); found != "" {
				t.Errorf("leaks %s", found)
			}
			doc := docs(t, batch)[0]
			for member, want := range map[string]string{"signalingEndpoint": row.endpoint, "iceServers": row.ice, "mediaRegion": row.region} {
				if got, _ := doc[member].(string); got != want {
					t.Errorf("%s is %q, want %q", member, got, want)
				}
			}
		})
	}
}

func TestPrivacy(t *testing.T) {
	t.Parallel()
	const mdns = "4b1d9a52-0c8e-4a7a-9d55-3d1f0b2f7c11.local"
	for _, row := range []struct{ address, full, truncated string }{
		{"203.0.113.77", "203.0.113.77", "203.0.113.0"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1::"},
		{"::ffff:10.1.2.3", "10.1.2.3", "10.1.2.0"},
		{"fe80::1%eth0", "fe80::1", "fe80::"},
		{mdns, mdns, mdns},
		{"10.1.2.3, 192.168.0.7", "10.1.2.3, 192.168.0.7", ""},
		{"", "", ""},
	} {
		for privacy, want := range map[tenant.IPPrivacy]string{tenant.IPFull: row.full, tenant.IPTruncated: row.truncated, tenant.IPNone: ""} {
			if got := private(row.address, privacy); got != want {
				t.Errorf("private %q under %s is %q, want %q", row.address, privacy, got, want)
			}
		}
	}
	if got := public("203.0.113.77", tenant.IPTruncated); got != "203.0.113.0" {
		t.Errorf("public address is %q", got)
	}
	if got := public("SECRET", tenant.IPFull); got != "" {
		t.Errorf("%q is no address", got)
	}
}

// Labels of devices may name a person.
func TestPrivacyCoversDevices(t *testing.T) {
	t.Parallel()
	body := readFile(t, "callreport-underscored-failed.json")
	for privacy, kept := range map[tenant.IPPrivacy]bool{tenant.IPFull: true, tenant.IPTruncated: false, tenant.IPNone: false} {
		a := arrival()
		a.Privacy = privacy
		text, err := mustDecode(t, KindCallReport, body, a).Envelope.Marshal()
		if err != nil || bytes.Contains(text, []byte("headset")) != kept {
			t.Errorf("%s: labels kept is not %v (%v)", privacy, kept, err)
		}
		if privacy == tenant.IPNone && (bytes.Contains(text, []byte("203.0.113")) || bytes.Contains(text, []byte("10.44.0"))) {
			t.Errorf("%s: %s", privacy, text)
		}
	}
}

func TestFaultsNameNothingOfTheBody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		"": ErrNotJSON, `{"agent":"SECRET`: ErrNotJSON, `SECRET`: ErrNotJSON, `{"agent":"a"}{"SECRET":1}`: ErrNotJSON,
		`"SECRET"`: ErrNoUsableRecord, `["SECRET"]`: ErrNoUsableRecord, `null`: ErrNoUsableRecord,
		`{"agent":{"SECRET":1}}`: ErrAgentMissing, `{"agent":"` + strings.Repeat("SECRET", 50) + `"}`: ErrMemberInvalid,
	} {
		_, err := Decode(KindStreamStats, []byte(body), arrival())
		if !errors.Is(err, want) || strings.Contains(fmt.Sprint(err), "SECRET") {
			t.Errorf("%.40q: %v, want %v", body, err, want)
		}
	}
}
