package media_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	pionmedia "github.com/pion/webrtc/v4/pkg/media"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/earshot-hq/earshot/services/simulator/internal/media"
	"github.com/earshot-hq/earshot/services/simulator/internal/relay"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// browser is an agent's side of a call: as Connect's library demands, it has no way but the relay.
type browser struct {
	connection *webrtc.PeerConnection
	track      *webrtc.TrackLocalStaticSample
	heard      chan []byte // payloads of RTP
}

func newBrowser(t *testing.T, r *relay.Server) *browser {
	t.Helper()
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	connection, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{
		ICETransportPolicy: webrtc.ICETransportPolicyRelay,
		ICEServers:         []webrtc.ICEServer{{URLs: []string{r.URL()}, Username: "mira.holm", Credential: r.Password()}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	b := &browser{connection: connection, heard: make(chan []byte, 1024)}
	b.track, err = webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "audio", "agent")
	require.NoError(t, err)
	_, err = connection.AddTrack(b.track)
	require.NoError(t, err)
	connection.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			packet, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			select {
			case b.heard <- packet.Payload:
			default:
			}
		}
	})
	return b
}

func (b *browser) call(t *testing.T, e *media.Engine) *media.Peer {
	t.Helper()
	offer, err := b.connection.CreateOffer(nil)
	require.NoError(t, err)
	gathered := webrtc.GatheringCompletePromise(b.connection)
	require.NoError(t, b.connection.SetLocalDescription(offer))
	<-gathered
	peer, answer, err := e.Answer(t.Context(), media.Offer{SDP: b.connection.LocalDescription().SDP})
	require.NoError(t, err)
	t.Cleanup(peer.Close)
	require.NotEmpty(t, answer.Candidates)
	for _, c := range answer.Candidates {
		assert.Contains(t, c.Candidate, " 127.0.0.1 ", "no other address is told")
	}
	assert.NotContains(t, answer.SDP, "PCMU")
	require.NoError(t, b.connection.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.SDP}))
	return peer
}

func setup(t *testing.T) (*relay.Server, *media.Engine) {
	t.Helper()
	r, err := relay.Listen(t.Context(), netip.AddrPortFrom(loopback, 0), 1)
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	e, err := media.NewEngine(loopback)
	require.NoError(t, err)
	return r, e
}

func TestBothSidesHearEachOtherThroughTheRelay(t *testing.T) {
	t.Parallel()
	r, e := setup(t)
	b := newBrowser(t, r)
	peer := b.call(t, e)
	<-peer.Connected()
	for range 20 {
		assert.Greater(t, len(<-b.heard), 3, "a tone, not silence")
	}
	peer.Say(media.Silence)
	require.Eventually(t, func() bool { return len(<-b.heard) == 3 }, time.Minute, time.Millisecond, "then silence")
	require.Eventually(t, func() bool {
		_ = b.track.WriteSample(pionmedia.Sample{Data: []byte{0xf8, 0xff, 0xfe}, Duration: 20 * time.Millisecond})
		return peer.Counts().PacketsReceived >= 5
	}, time.Minute, 5*time.Millisecond)
	counts := peer.Counts()
	assert.GreaterOrEqual(t, counts.PacketsSent, int64(20))
	assert.GreaterOrEqual(t, counts.BytesReceived, 3*counts.PacketsReceived)
	peer.Close()
	peer.Close()
}

func TestTheAgentHearsNothingWhileTheRelayIsSilent(t *testing.T) {
	t.Parallel()
	r, e := setup(t)
	require.NoError(t, r.Impair("", relay.Impairments{ToAgent: relay.Impairment{Silent: true}}))
	b := newBrowser(t, r)
	peer := b.call(t, e)
	<-peer.Connected()
	require.Eventually(t, func() bool { return peer.Counts().PacketsSent >= 20 }, time.Minute, 5*time.Millisecond)
	assert.Empty(t, b.heard)
	require.NoError(t, r.Impair("", relay.Impairments{}))
	assert.NotEmpty(t, <-b.heard, "and again when it is not")
}

func TestAnOfferThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	_, e := setup(t)
	for name, offer := range map[string]media.Offer{
		"empty":           {},
		"no SDP":          {SDP: "hello"},
		"no media":        {SDP: "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"},
		"fifty kilobytes": {SDP: strings.Repeat("v=0\r\n", 10_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := e.Answer(t.Context(), offer)
			require.ErrorIs(t, err, media.ErrOffer)
		})
	}
}
