package media

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheToneIsAudibleOpusOfTwentyMilliseconds(t *testing.T) {
	t.Parallel()
	frames, err := packets(tone)
	require.NoError(t, err)
	assert.InDelta(t, 300, len(frames), 2, "six seconds")
	for _, f := range frames {
		require.Greater(t, len(f), 8, "none is silent")
		require.Contains(t, []byte{1, 5, 9, 13, 15, 19, 23, 27, 31}, f[0]>>3, "20 ms") // RFC 6716 §3.1, table 2
		require.Zero(t, f[0]&3, "one frame to a packet")
	}
}

func FuzzPackets(f *testing.F) {
	f.Add(tone)
	f.Add([]byte("OggS"))
	f.Fuzz(func(t *testing.T, file []byte) {
		found, err := packets(file)
		if err != nil {
			require.ErrorIs(t, err, errOgg)
			return
		}
		total := 0
		for _, p := range found {
			total += len(p)
		}
		require.LessOrEqual(t, total, len(file))
	})
}
