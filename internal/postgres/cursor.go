package postgres

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// A cursor names the last row of a page and the filter that the page was made with. It gives nothing away and opens
// nothing: whoever invents one starts somewhere else in a list that the scope bounds anyway.
type cursor[P any] struct {
	Filter string `json:"f"`
	Place  P      `json:"p"`
}

func writeCursor[P any](filter []string, place P) string {
	text, _ := json.Marshal(cursor[P]{Filter: digest(filter), Place: place}) // strings and times: cannot fail
	return base64.RawURLEncoding.EncodeToString(text)
}

// readCursor returns the place of a cursor, first when there is none, and tenant.ErrCursor when it was made by somebody
// else or for another filter.
func readCursor[P any](text string, filter []string, first P) (P, error) {
	if text == "" {
		return first, nil
	}
	var read cursor[P]
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(raw, &read) != nil || read.Filter != digest(filter) {
		return first, tenant.ErrCursor
	}
	return read.Place, nil
}

func digest(filter []string) string {
	sum := sha256.Sum256([]byte(strings.Join(filter, "\x00")))
	return hex.EncodeToString(sum[:6])
}
