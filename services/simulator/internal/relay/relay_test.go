package relay

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/turn/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// call is an agent behind the relay and the far side in front of it.
type call struct {
	relay *Server
	agent net.PacketConn
	far   net.PacketConn
}

func newCall(t *testing.T, seed uint64) call {
	t.Helper()
	relay, err := Listen(t.Context(), netip.AddrPortFrom(loopback, 0), seed)
	require.NoError(t, err)
	t.Cleanup(func() { _ = relay.Close() })
	client := newClient(t, relay, "mira.holm", relay.Password())
	agent, err := client.Allocate()
	require.NoError(t, err)
	t.Cleanup(func() { _ = agent.Close() })
	far, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = far.Close() })
	c := call{relay, agent, far}
	_, err = agent.WriteTo([]byte{0, 0, 0}, far.LocalAddr()) // asks for the permission that lets the far side answer
	require.NoError(t, err)
	buffer := make([]byte, 16)
	_, _, err = far.ReadFrom(buffer)
	require.NoError(t, err)
	return c
}

func newClient(t *testing.T, relay *Server, user, password string) *turn.Client {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	client, err := turn.NewClient(&turn.ClientConfig{
		TURNServerAddr: relay.Address().String(), Conn: socket, Username: user, Password: password,
		RTO: 10 * time.Millisecond,
	})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	require.NoError(t, client.Listen())
	return client
}

// passing says which of the packets from the first to the last of one direction come through, by the rule alone.
func passing(i Impairment, seed, stream uint64, first, last int) (numbers []uint32) {
	f := newFate(seed, stream)
	for n := range last {
		if _, passes := f.next(i, rtp); passes && n >= first {
			numbers = append(numbers, uint32(n))
		}
	}
	return numbers
}

func send(t *testing.T, from net.PacketConn, to net.Addr, first, last int) {
	t.Helper()
	for n := first; n < last; n++ {
		_, err := from.WriteTo(binary.BigEndian.AppendUint32([]byte{0x80}, uint32(n)), to)
		require.NoError(t, err)
	}
}

func receive(t *testing.T, at net.PacketConn, packets int) (numbers []uint32) {
	t.Helper()
	require.NoError(t, at.SetReadDeadline(time.Now().Add(30*time.Second)))
	buffer := make([]byte, 64)
	for range packets {
		n, _, err := at.ReadFrom(buffer)
		require.NoError(t, err)
		require.Equal(t, 5, n)
		numbers = append(numbers, binary.BigEndian.Uint32(buffer[1:n]))
	}
	return numbers
}

func TestTheSeedSaysWhichPacketsAreLost(t *testing.T) {
	t.Parallel()
	const packets = 100
	for name, impairment := range map[string]Impairment{
		"nothing":              {},
		"one by one":           {Loss: 0.3},
		"bursts":               {Loss: 0.3, BurstPackets: 5},
		"with delay, in order": {Loss: 0.1, DelayMillis: 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCall(t, 42)
			require.NoError(t, c.relay.Impair("", Impairments{ToAgent: impairment}))
			send(t, c.far, c.agent.LocalAddr(), 0, packets)
			want := passing(impairment, 42, 0, 0, packets)
			assert.Equal(t, want, receive(t, c.agent, len(want)), "toward the agent")

			require.NoError(t, c.relay.Impair("", Impairments{FromAgent: impairment}))
			send(t, c.agent, c.far.LocalAddr(), 1, packets) // packet 0 asked for the permission
			want = passing(impairment, 42, 1, 1, packets)
			assert.Equal(t, want, receive(t, c.far, len(want)), "from the agent")
		})
	}
}

func TestPacketsOfAnUnevenPathOvertakeOneAnother(t *testing.T) {
	t.Parallel()
	const packets = 100
	c := newCall(t, 42)
	uneven := Impairment{Loss: 0.1, DelayMillis: 20, JitterMillis: 300}
	require.NoError(t, c.relay.Impair("", Impairments{ToAgent: uneven}))
	send(t, c.far, c.agent.LocalAddr(), 0, packets)
	want := passing(uneven, 42, 0, 0, packets)
	got := receive(t, c.agent, len(want))
	assert.ElementsMatch(t, want, got, "none is lost or doubled by coming late")
	assert.False(t, slices.IsSorted(got), "all in order: %v", got)
}

func TestOneDirectionIsSilentWhileTheOtherIsHeard(t *testing.T) {
	t.Parallel()
	c := newCall(t, 1)
	require.NoError(t, c.relay.Impair("", Impairments{ToAgent: Impairment{Silent: true}}))
	send(t, c.far, c.agent.LocalAddr(), 0, 10)
	_, err := c.far.WriteTo(check, c.agent.LocalAddr())
	require.NoError(t, err)
	buffer := make([]byte, 64)
	n, _, err := c.agent.ReadFrom(buffer)
	require.NoError(t, err)
	assert.Equal(t, check, buffer[:n], "the first to arrive is the connectivity check")
	send(t, c.agent, c.far.LocalAddr(), 0, 10)
	receive(t, c.far, 10)
}

func TestPacketsComeLateByTheDelay(t *testing.T) {
	t.Parallel()
	c := newCall(t, 1)
	require.NoError(t, c.relay.Impair("", Impairments{FromAgent: Impairment{DelayMillis: 80}}))
	sent := time.Now()
	send(t, c.agent, c.far.LocalAddr(), 0, 1)
	receive(t, c.far, 1)
	assert.GreaterOrEqual(t, time.Since(sent), 80*time.Millisecond)
}

func TestAnUnreachableServerGivesNoAddress(t *testing.T) {
	t.Parallel()
	relay, err := Listen(t.Context(), netip.AddrPortFrom(loopback, 0), 1)
	require.NoError(t, err)
	t.Cleanup(func() { _ = relay.Close() })
	require.NoError(t, relay.Impair("", Impairments{Unreachable: true}))
	_, err = newClient(t, relay, "mira.holm", relay.Password()).Allocate()
	require.Error(t, err)
	require.NoError(t, relay.Impair("", Impairments{}))
	_, err = newClient(t, relay, "mira.holm", relay.Password()).Allocate()
	require.NoError(t, err)
}

func TestAnAddressIsGivenLate(t *testing.T) {
	t.Parallel()
	relay, err := Listen(t.Context(), netip.AddrPortFrom(loopback, 0), 1)
	require.NoError(t, err)
	t.Cleanup(func() { _ = relay.Close() })
	require.NoError(t, relay.Impair("mira.holm", Impairments{AllocateMillis: 200}))
	asked := time.Now()
	_, err = newClient(t, relay, "mira.holm", relay.Password()).Allocate()
	require.NoError(t, err, "what is asked again meanwhile is answered as the first")
	assert.GreaterOrEqual(t, time.Since(asked), 200*time.Millisecond)
}

func TestAttackOnTheRelay(t *testing.T) {
	t.Parallel()
	relay, err := Listen(t.Context(), netip.AddrPortFrom(loopback, 0), 1)
	require.NoError(t, err)
	t.Cleanup(func() { _ = relay.Close() })

	_, err = newClient(t, relay, "mira.holm", "guessed").Allocate()
	require.Error(t, err, "a password is needed")

	agent, err := newClient(t, relay, "mira.holm", relay.Password()).Allocate()
	require.NoError(t, err)
	_, err = agent.WriteTo(rtp, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 53})
	require.Error(t, err, "no other address is reached")
}

func TestAnAgentsOwnImpairmentsAreNobodyElses(t *testing.T) {
	relay, err := Listen(t.Context(), netip.AddrPortFrom(loopback, 0), 1)
	require.NoError(t, err)
	t.Cleanup(func() { _ = relay.Close() })
	lossy, cut := Impairments{ToAgent: Impairment{Loss: 0.5}}, Impairments{Unreachable: true}
	require.NoError(t, relay.Impair("", lossy))
	require.NoError(t, relay.Impair("mira.holm", cut))
	require.Equal(t, lossy, relay.Impairments("jonas.weber"))
	require.Equal(t, cut, relay.Impairments("mira.holm"))
	_, err = newClient(t, relay, "mira.holm", relay.Password()).Allocate()
	require.Error(t, err)
	agent, err := newClient(t, relay, "jonas.weber", relay.Password()).Allocate()
	require.NoError(t, err)
	far, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = far.Close() })
	_, err = agent.WriteTo([]byte{0}, far.LocalAddr())
	require.NoError(t, err)
	_, relayed, err := far.ReadFrom(make([]byte, 16))
	require.NoError(t, err)
	require.NoError(t, relay.Impair("jonas.weber", Impairments{ToAgent: Impairment{DelayMillis: 1}}))
	_, err = far.WriteTo([]byte{0}, relayed)
	require.NoError(t, err)
	_, _, err = agent.ReadFrom(make([]byte, 16))
	require.NoError(t, err)

	require.NoError(t, relay.Impair("jonas.weber", cut))
	_, err = agent.WriteTo([]byte{1}, far.LocalAddr())
	require.NoError(t, err, "what is lost counts as sent")
	require.NoError(t, far.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
	_, _, err = far.ReadFrom(make([]byte, 16))
	require.Error(t, err, "a call that runs loses its path")
	_, err = far.WriteTo([]byte{1}, relayed)
	require.NoError(t, err)
	require.NoError(t, agent.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
	_, _, err = agent.ReadFrom(make([]byte, 16))
	require.Error(t, err, "in both directions")
	require.NoError(t, relay.Impair("jonas.weber", Impairments{}))
	require.Equal(t, lossy, relay.Impairments("jonas.weber"), "without one's own, everybody's hold again")
}
