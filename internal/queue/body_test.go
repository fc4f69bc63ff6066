package queue

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// envelope has n records of size bytes that do not compress.
func envelope(n, size int) telemetry.Envelope {
	e := telemetry.Envelope{V: telemetry.EnvelopeVersion, Kind: telemetry.KindAPIMetric, Tenant: "acme", Records: []telemetry.Record{}}
	for i := range n {
		noise := make([]byte, size*3/4)
		_, _ = rand.Read(noise)
		doc, _ := json.Marshal(map[string]string{"name": base64.StdEncoding.EncodeToString(noise)})
		e.Records = append(e.Records, telemetry.Record{ID: fmt.Sprintf("id%04d", i), Doc: doc})
	}
	return e
}

func TestBodiesHoldEveryRecordOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		n, size    int
		wantAtMost int
	}{
		{"none", 0, 0, 1},
		{"one", 1, 100, 1},
		{"a full body", 500, 1000, 1},
		{"too much for one message", 500, 4000, 4},
		{"far too much", 400, 40_000, 32},
		{"two that do not go together", 2, 700_000, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := envelope(test.n, test.size)
			packed, err := bodies(e)
			if err != nil {
				t.Fatal(err)
			}
			if len(packed) > test.wantAtMost {
				t.Errorf("%d messages", len(packed))
			}
			whole := e
			whole.Records = []telemetry.Record{}
			for _, body := range packed {
				if len(body) > maxBody {
					t.Errorf("a message of %d bytes", len(body))
				}
				part, err := Decode(body)
				if err != nil {
					t.Fatal(err)
				}
				whole.Records = append(whole.Records, part.Records...)
			}
			if !reflect.DeepEqual(whole, e) {
				t.Error("the messages do not make the envelope")
			}
		})
	}
}

func TestARecordThatNoMessageHolds(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3} {
		if _, err := bodies(envelope(n, 2<<20)); !errors.Is(err, errTooLarge) {
			t.Errorf("%d records: %v", n, err)
		}
	}
}

func zipped(text []byte) string {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write(text)
	_ = zip.Close()
	return base64.StdEncoding.EncodeToString(packed.Bytes())
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good := zipped([]byte(`{"v":1,"kind":"apimetric","tenant":"acme","records":[]}`))
	if _, err := Decode(good); err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.StdEncoding.DecodeString(good)
	tests := map[string]string{
		"nothing":           "",
		"text":              "hello",
		"base64 of text":    base64.StdEncoding.EncodeToString([]byte("hello")),
		"half of it":        base64.StdEncoding.EncodeToString(raw[:len(raw)/2]),
		"something after":   base64.StdEncoding.EncodeToString(append(raw, "rest"...)),
		"no JSON":           zipped([]byte("hello")),
		"another version":   zipped([]byte(`{"v":99,"kind":"apimetric","tenant":"acme"}`)),
		"a bomb":            zipped(bytes.Repeat([]byte(" "), 100<<20)),
		"a bomb of records": zipped([]byte(`{"v":1,"records":[` + strings.Repeat(`{},`, 12<<20) + `{}]}`)),
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Decode(body); !errors.Is(err, errUndecodable) {
				t.Errorf("got %v", err)
			}
		})
	}
}
