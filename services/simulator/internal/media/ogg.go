package media

import (
	"bytes"
	_ "embed" // holds the tone
	"errors"
)

// tone is what the customer says: see the command in ./tone.
//
//go:embed tone.ogg
var tone []byte

var errOgg = errors.New("media: the tone is no Ogg file")

// packets takes the audio packets out of an Ogg file with one stream of Opus (RFC 3533 §6, RFC 7845 §3): all but the two that
// come first, which are headers. (pion's oggreader gives pages, and does not say where in a page a packet ends.)
func packets(file []byte) ([][]byte, error) {
	const header = 27
	var found [][]byte
	var packet []byte
	for len(file) > 0 {
		if len(file) < header || !bytes.HasPrefix(file, []byte("OggS")) || len(file) < header+int(file[26]) {
			return nil, errOgg
		}
		lacing, rest := file[header:header+int(file[26])], file[header+int(file[26]):]
		for _, size := range lacing {
			if len(rest) < int(size) {
				return nil, errOgg
			}
			packet, rest = append(packet, rest[:size]...), rest[size:]
			if size < 255 {
				found, packet = append(found, packet), nil
			}
		}
		file = rest
	}
	if len(found) < 3 {
		return nil, errOgg
	}
	return found[2:], nil
}
