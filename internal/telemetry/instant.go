package telemetry

import (
	"fmt"
	"time"
)

// An Instant is a moment in milliseconds since 1970, written as RFC 3339 with milliseconds.
type Instant int64

const instantForm = "2006-01-02T15:04:05.000Z"

// InstantOf returns t to the millisecond.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Time returns i in UTC.
func (i Instant) Time() time.Time { return time.UnixMilli(int64(i)).UTC() }

func (i Instant) String() string { return i.Time().Format(instantForm) }

// MarshalText writes i as RFC 3339.
func (i Instant) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *Instant) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return fmt.Errorf("read instant: %w", err)
	}
	*i = InstantOf(t)
	return nil
}
