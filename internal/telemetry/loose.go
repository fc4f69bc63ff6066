package telemetry

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// An object is a JSON object of a sender, read member by member: names are exact, of two equal names the last counts, as
// in the browser. What nobody took in the end is unknown, and dropped.
type object map[string]json.RawMessage

func readObject(raw json.RawMessage) (object, bool) {
	if !isObject(raw) {
		return nil, false
	}
	var o object
	return o, json.Unmarshal(raw, &o) == nil
}

func isObject(raw json.RawMessage) bool { return first(raw) == '{' }

func first(raw json.RawMessage) byte {
	if trimmed := bytes.TrimLeft(raw, " \t\r\n"); len(trimmed) > 0 {
		return trimmed[0]
	}
	return 0
}

// take returns a member and removes it.
func (o object) take(name string) json.RawMessage {
	raw := o[name]
	delete(o, name)
	return raw
}

// only returns the named members of o that are there.
func (o object) only(names ...string) object {
	chosen := object{}
	for _, name := range names {
		if raw, known := o[name]; known {
			chosen[name] = raw
		}
	}
	return chosen
}

func readArray(raw json.RawMessage) ([]json.RawMessage, bool) {
	if first(raw) != '[' {
		return nil, false
	}
	var list []json.RawMessage
	return list, json.Unmarshal(raw, &list) == nil
}

func readText(raw json.RawMessage) (string, bool) {
	if first(raw) != '"' {
		return "", false
	}
	var text string
	return text, json.Unmarshal(raw, &text) == nil
}

// maxExact bounds numbers: up to it a float64 holds every integer, and a mapping of long takes them.
const maxExact = 1 << 53

// readNumber reads a number, or a string that holds one. NaN, infinities and what is out of all proportion are none.
func readNumber(raw json.RawMessage) (float64, bool) {
	text := string(bytes.TrimSpace(raw))
	if quoted, isText := readText(raw); isText {
		text = strings.TrimSpace(quoted)
	}
	if text == "" || strings.Trim(text, "+-.0123456789eE") != "" || text[0] == 'e' || text[0] == 'E' {
		return 0, false
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(value) || math.Abs(value) > maxExact {
		return 0, false
	}
	return value, true
}

// number returns a quantity, or nil when it is unknown.
func number(raw json.RawMessage) *float64 {
	if value, ok := readNumber(raw); ok {
		return &value
	}
	return nil
}

// positive returns a quantity that cannot be negative, or nil when it is unknown.
func positive(raw json.RawMessage) *float64 {
	if value := number(raw); value != nil && *value >= 0 {
		return value
	}
	return nil
}

// count returns an integer, a negative one as 0 (RFC 3550 §6.4.1 lets a loss count fall), or nil when it is unknown.
func count(raw json.RawMessage) *int64 {
	value, ok := readNumber(raw)
	if !ok {
		return nil
	}
	whole := int64(max(value, 0))
	return &whole
}

// flag returns a boolean, also of a number or of a string that holds one, or nil when it is unknown.
func flag(raw json.RawMessage) *bool {
	word := string(bytes.TrimSpace(raw))
	if quoted, isText := readText(raw); isText {
		word = strings.ToLower(strings.TrimSpace(quoted))
	}
	set := word == "true"
	if !set && word != "false" {
		value, ok := readNumber(raw)
		if !ok {
			return nil
		}
		set = value != 0
	}
	return &set
}

// readInstant reads RFC 3339, also with stray blanks, or epoch milliseconds. Its code says what is wrong, or is empty.
// Epoch seconds are an instant in 1970: nothing is guessed.
func readInstant(raw json.RawMessage) (Instant, string) {
	if value, ok := readNumber(raw); ok {
		return Instant(value), ""
	}
	switch first(raw) {
	case 0, 'n':
		return 0, "timestamp_missing"
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return 0, "timestamp_out_of_range"
	case '"':
		text, _ := readText(raw)
		text = strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, text)
		if text == "" {
			return 0, "timestamp_missing"
		}
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return InstantOf(t), ""
		}
	}
	return 0, "timestamp_invalid"
}

// The bounds of an accepted record, or a wrong clock would make indices for 1970.
const (
	maxAhead  = 24 * time.Hour
	maxBehind = 14 * 24 * time.Hour
)

// acceptInstant reads the instant of a record that was received at now.
func acceptInstant(raw json.RawMessage, now time.Time) (Instant, string) {
	at, code := readInstant(raw)
	if code == "" && (at > InstantOf(now.Add(maxAhead)) || at < InstantOf(now.Add(-maxBehind))) {
		return 0, "timestamp_out_of_range"
	}
	return at, code
}

// storable reports whether search can keep an instant that decides nothing.
func storable(at Instant) bool { return at >= 0 && at.Time().Year() <= 9999 }

// printable reports whether a name or id holds no control character.
func printable(text string) bool { return !strings.ContainsFunc(text, unicode.IsControl) }

// fix4 rounds to four decimals, which is all that a figure of ours is good for.
func fix4(value float64) float64 { return math.Round(value*1e4) / 1e4 }
