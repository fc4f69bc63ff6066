package media

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

const frame = 20 * time.Millisecond

// Sound is what a peer sends.
type Sound int32

// What a peer can say. It begins with Tone.
const (
	Tone    Sound = iota
	Silence       // packets with digital silence: the customer is muted
	Nothing       // no packets: their sender is gone
)

// silence is an Opus frame of 20 ms without sound.
var silence = []byte{0xf8, 0xff, 0xfe}

// Counts is what has gone over a peer since it was made.
type Counts struct {
	PacketsSent     int64 `json:"packets_sent"`
	PacketsReceived int64 `json:"packets_received"`
	BytesReceived   int64 `json:"bytes_received"` // payload of RTP
}

// A Peer is the far side of one call.
type Peer struct {
	connection *webrtc.PeerConnection
	tone       [][]byte
	sound      atomic.Int32
	sent       atomic.Int64
	received   atomic.Int64
	bytes      atomic.Int64

	connected chan struct{}
	once      sync.Once
	closing   chan struct{}
	close     sync.Once
	running   sync.WaitGroup
}

func newPeer(connection *webrtc.PeerConnection, tone [][]byte) *Peer {
	p := &Peer{connection: connection, tone: tone, connected: make(chan struct{}), closing: make(chan struct{})}
	connection.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			p.once.Do(func() { close(p.connected) })
		}
	})
	connection.OnTrack(p.listen)
	return p
}

// start speaks on track once the peer is connected. RTCP has to be read on both sides, or pion answers none of it and the
// browser never learns its round trip.
func (p *Peer) start(track *webrtc.TrackLocalStaticSample, sender *webrtc.RTPSender) {
	p.running.Go(func() { drain(sender.Read) })
	p.running.Go(func() {
		select {
		case <-p.connected:
			p.speak(track)
		case <-p.closing:
		}
	})
}

func (p *Peer) speak(track *webrtc.TrackLocalStaticSample) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now()
	for n := 0; ; n++ {
		select {
		case <-timer.C:
		case <-p.closing:
			return
		}
		p.say(track, n)
		due = due.Add(frame) // a frame that is late does not make its followers late
		timer.Reset(time.Until(due))
	}
}

func (p *Peer) say(track *webrtc.TrackLocalStaticSample, n int) {
	data := p.tone[n%len(p.tone)]
	switch Sound(p.sound.Load()) {
	case Silence:
		data = silence
	case Nothing:
		return
	case Tone:
	}
	if track.WriteSample(media.Sample{Data: data, Duration: frame}) == nil {
		p.sent.Add(1)
	}
}

func (p *Peer) listen(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	var reports sync.WaitGroup
	defer reports.Wait()
	reports.Go(func() { drain(receiver.Read) })
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return // closed
		}
		p.received.Add(1)
		p.bytes.Add(int64(len(packet.Payload)))
	}
}

func drain[A any](read func([]byte) (int, A, error)) {
	buffer := make([]byte, 1500)
	for {
		if _, _, err := read(buffer); err != nil {
			return
		}
	}
}

// Say changes what the peer sends, from the next frame on.
func (p *Peer) Say(s Sound) { p.sound.Store(int32(s)) }

// Connected is closed when media can flow for the first time.
func (p *Peer) Connected() <-chan struct{} { return p.connected }

// Counts says what has gone over the peer so far.
func (p *Peer) Counts() Counts {
	return Counts{PacketsSent: p.sent.Load(), PacketsReceived: p.received.Load(), BytesReceived: p.bytes.Load()}
}

// Close ends the peer and waits until nothing of it runs. It may be called twice.
func (p *Peer) Close() {
	p.close.Do(func() {
		close(p.closing)
		_ = p.connection.GracefulClose()
	})
	p.running.Wait()
}
