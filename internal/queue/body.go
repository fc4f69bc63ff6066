// Package queue carries envelopes through SQS: packed, split to its bounds, put back with a growing delay, or set aside with
// a reason.
package queue

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

const (
	maxMessage = 1 << 20            // SQS: one message, and a batch together, attributes included
	maxBody    = maxMessage - 4<<10 // leaves a dead letter room for its reason
	maxDecoded = 16 << 20           // of one message; the largest envelope of ours is a fifth of it
	maxParts   = 512                // of one envelope; more than records of a body
	batchSize  = 10                 // messages of one request
)

var (
	errTooLarge    = errors.New("a record is too large for a message")
	errUndecodable = errors.New("the message is no envelope of ours")
)

// Encode returns a message body: base64 of gzip of the envelope: SQS takes text only.
func Encode(e telemetry.Envelope) (string, error) {
	text, err := e.Marshal()
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	to64 := base64.NewEncoder(base64.StdEncoding, &packed)
	zip := gzip.NewWriter(to64)
	if _, err := zip.Write(text); err != nil {
		return "", fmt.Errorf("pack envelope: %w", err)
	}
	if err := errors.Join(zip.Close(), to64.Close()); err != nil {
		return "", fmt.Errorf("pack envelope: %w", err)
	}
	return packed.String(), nil
}

// Decode returns the envelope in a message's body. It stops at a bound however much the body would unpack to.
func Decode(body string) (telemetry.Envelope, error) {
	packed, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		return telemetry.Envelope{}, fmt.Errorf("%w: not base64", errUndecodable)
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return telemetry.Envelope{}, fmt.Errorf("%w: not gzip", errUndecodable)
	}
	text, err := io.ReadAll(io.LimitReader(zip, maxDecoded+1))
	switch {
	case err != nil:
		return telemetry.Envelope{}, fmt.Errorf("%w: not gzip", errUndecodable)
	case len(text) > maxDecoded:
		return telemetry.Envelope{}, fmt.Errorf("%w: more than %d bytes", errUndecodable, maxDecoded)
	}
	e, err := telemetry.ParseEnvelope(text)
	if err != nil {
		return telemetry.Envelope{}, fmt.Errorf("%w: %w", errUndecodable, err)
	}
	return e, nil
}

// bodies returns the envelope as message bodies, as few as the bound on one allows.
func bodies(e telemetry.Envelope) ([]string, error) {
	whole, err := Encode(e)
	if err != nil {
		return nil, err
	}
	if len(whole) <= maxBody {
		return []string{whole}, nil
	}
	for n := len(whole)/maxBody + 1; n <= maxParts; n *= 2 {
		parts := e.Split(n)
		packed, fits, err := encodeAll(parts)
		if err != nil || fits {
			return packed, err
		}
		if len(parts) < n {
			break
		}
	}
	return nil, errTooLarge
}

func encodeAll(parts []telemetry.Envelope) (packed []string, fits bool, err error) {
	for _, part := range parts {
		body, err := Encode(part)
		if err != nil {
			return nil, false, err
		}
		if len(body) > maxBody {
			return nil, false, nil
		}
		packed = append(packed, body)
	}
	return packed, true, nil
}
