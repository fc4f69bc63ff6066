package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// byteOrderMark begins texts of some editors and of older .NET. RFC 8259 §8.1 lets a reader pass over it.
var byteOrderMark = []byte("\xef\xbb\xbf")

// readBody reads a body as an object. Its faults say where the body breaks, never what stands there.
func readBody(body []byte) (object, error) {
	body = bytes.TrimPrefix(body, byteOrderMark)
	var members object
	err := json.Unmarshal(body, &members)
	if err != nil {
		// Senders that are no browser write an unknown number as a bare NaN.
		if mended, changed := nullNaN(body); changed {
			err = json.Unmarshal(mended, &members)
		}
	}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax) && int(syntax.Offset) >= len(body):
		return nil, ErrNotJSON.With("The body is not JSON: it ends too early.")
	case errors.As(err, &syntax):
		return nil, ErrNotJSON.With(fmt.Sprintf("The body is not JSON: it breaks at byte %d.", syntax.Offset))
	case err != nil || members == nil:
		return nil, ErrNoUsableRecord.With("The body is JSON, but no object.")
	}
	return members, nil
}

// nullNaN replaces NaN and infinities outside of strings by null.
func nullNaN(body []byte) ([]byte, bool) {
	words := [][]byte{[]byte("-Infinity"), []byte("Infinity"), []byte("NaN")}
	mended := make([]byte, 0, len(body)+16)
	changed, inText := false, false
	for i := 0; i < len(body); i++ {
		switch {
		case body[i] == '\\' && inText && i+1 < len(body):
			mended = append(mended, body[i])
			i++
		case body[i] == '"':
			inText = !inText
		case !inText:
			if word := wordAt(body[i:], words); word > 0 {
				mended, changed = append(mended, "null"...), true
				i += word - 1
				continue
			}
		}
		mended = append(mended, body[i])
	}
	return mended, changed
}

func wordAt(text []byte, words [][]byte) int {
	for _, word := range words {
		if bytes.HasPrefix(text, word) {
			return len(word)
		}
	}
	return 0
}
