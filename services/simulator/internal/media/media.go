// Package media is the far side of a call: a WebRTC peer (pion) that answers a softphone's offer as Amazon Connect's media
// edge does, lets the agent hear a tone and counts what the agent sends.
//
// It leaves out what Connect has beside that: an ICE restart, a connection that stays from call to call, several parties, codecs
// other than Opus, and music on hold.
package media

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"
)

const opusPayloadType = 111

var opus = webrtc.RTPCodecCapability{
	MimeType: webrtc.MimeTypeOpus, ClockRate: 48_000, Channels: 2, SDPFmtpLine: "minptime=20;useinbandfec=1",
}

// ErrOffer says that an offer cannot be answered.
var ErrOffer = errors.New("the offer cannot be answered")

// An Engine makes peers that are reached at one address.
type Engine struct {
	api  *webrtc.API
	tone [][]byte
}

// NewEngine takes the address at which its peers' media is received: that of the relay.
func NewEngine(address netip.Addr) (*Engine, error) {
	frames, err := packets(tone)
	if err != nil {
		return nil, err
	}
	// Opus and nothing else. With pion's own codecs beside it, those that a browser names in the same words (PCMU, G722) would
	// displace Opus, for which browsers of agents say minptime=20 and pion 10.
	codecs := &webrtc.MediaEngine{}
	parameters := webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: opusPayloadType}
	if err := codecs.RegisterCodec(parameters, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, fmt.Errorf("register Opus: %w", err)
	}
	interceptors := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(codecs, interceptors); err != nil {
		return nil, fmt.Errorf("register interceptors: %w", err)
	}
	var s webrtc.SettingEngine
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(address.IsLoopback())
	s.SetIPFilter(func(ip net.IP) bool { return ip.Equal(address.AsSlice()) })
	return &Engine{
		api:  webrtc.NewAPI(webrtc.WithMediaEngine(codecs), webrtc.WithInterceptorRegistry(interceptors), webrtc.WithSettingEngine(s)),
		tone: frames,
	}, nil
}

// An Offer is what a softphone invites with.
type Offer struct {
	SDP        string
	Candidates []webrtc.ICECandidateInit // those gathered so far; more may be in the SDP
}

// An Answer is complete: no candidate follows.
type Answer struct {
	SDP        string
	Candidates []webrtc.ICECandidateInit
}

// Answer makes a peer for an offer. The peer speaks as soon as it is connected, before the agent accepts, as Connect's does.
// Whoever takes the peer closes it. An offer that is none is ErrOffer.
func (e *Engine) Answer(ctx context.Context, offer Offer) (*Peer, Answer, error) {
	connection, err := e.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, Answer{}, fmt.Errorf("make a peer: %w", err)
	}
	peer := newPeer(connection, e.tone)
	answer, err := peer.answer(ctx, offer)
	if err != nil {
		peer.Close()
		return nil, Answer{}, err
	}
	return peer, answer, nil
}

func (p *Peer) answer(ctx context.Context, offer Offer) (Answer, error) {
	track, err := webrtc.NewTrackLocalStaticSample(opus, "audio", "customer")
	if err != nil {
		return Answer{}, fmt.Errorf("make a track: %w", err)
	}
	sender, err := p.connection.AddTrack(track)
	if err != nil {
		return Answer{}, fmt.Errorf("add the track: %w", err)
	}
	p.start(track, sender)
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer.SDP}
	if err := p.connection.SetRemoteDescription(remote); err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrOffer, err)
	}
	for _, c := range offer.Candidates {
		if err := p.connection.AddICECandidate(c); err != nil {
			return Answer{}, fmt.Errorf("%w: candidate: %w", ErrOffer, err)
		}
	}
	local, err := p.connection.CreateAnswer(nil)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrOffer, err)
	}
	gathered := webrtc.GatheringCompletePromise(p.connection)
	if err := p.connection.SetLocalDescription(local); err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrOffer, err)
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("gather candidates: %w", context.Cause(ctx))
	}
	sdp := p.connection.LocalDescription().SDP
	return Answer{SDP: sdp, Candidates: candidatesOf(sdp)}, nil
}

func candidatesOf(sdp string) []webrtc.ICECandidateInit {
	var found []webrtc.ICECandidateInit
	for line := range strings.Lines(sdp) {
		if candidate, ok := strings.CutPrefix(strings.TrimSpace(line), "a="); ok && strings.HasPrefix(candidate, "candidate:") {
			found = append(found, webrtc.ICECandidateInit{Candidate: candidate, SDPMid: new("0"), SDPMLineIndex: new(uint16)})
		}
	}
	return found
}
