// Package exports reads what people export from Dashboards, and makes templates of it that any tenant can have. A file is taken
// whole or not at all.
package exports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/earshot-hq/earshot/internal/savedobjects"
)

const (
	// MaxBytes is the largest file that is read.
	MaxBytes = 10 << 20
	// maxObjects is how many objects a file may hold.
	maxObjects = 2_000
)

// An Export is a file of objects as Dashboards wrote it.
type Export struct {
	objects []line
	Blank   int // lines with nothing on them
	Summary int // lines that count the others
	counted int // objects that the last of them counts
}

// A line is an object and where it stands.
type line struct {
	savedobjects.Object
	number int
}

// A Refusal says why an object, or a line that holds none, cannot be taken.
type Refusal struct {
	Line   int    `json:"line"`   // of the file, from 1; 0: the file as a whole
	Object string `json:"object"` // its key, empty when it has none
	Reason string `json:"reason"`
}

// Refused is the error of a file that is not taken. It names everything that is wrong with it.
type Refused struct{ Refusals []Refusal }

// Error implements error.
func (r *Refused) Error() string {
	lines := make([]string, len(r.Refusals))
	for i, refusal := range r.Refusals {
		lines[i] = refusal.String()
	}
	return strings.Join(lines, "\n")
}

// String is the refusal in a sentence.
func (r Refusal) String() string {
	switch {
	case r.Line == 0:
		return r.Reason
	case r.Object == "":
		return fmt.Sprintf("line %d: %s", r.Line, r.Reason)
	}
	return fmt.Sprintf("line %d, %s: %s", r.Line, r.Object, r.Reason)
}

func whole(form string, values ...any) error {
	return &Refused{[]Refusal{{Reason: fmt.Sprintf(form, values...)}}}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// Read returns the objects of a file, which has one on each line. A byte-order mark, carriage returns, blank lines and the line
// that counts the others are no objects.
func Read(file []byte) (Export, error) {
	if len(file) > MaxBytes {
		return Export{}, whole("The file has %d bytes, and at most %d are taken. Export fewer dashboards at once.", len(file), MaxBytes)
	}
	if encoding := otherEncoding(file); encoding != "" {
		return Export{}, whole("The file is in %s. Save it as UTF-8.", encoding)
	}
	file = bytes.TrimPrefix(file, byteOrderMark)
	if trimmed := bytes.TrimLeft(file, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' {
		return Export{}, whole("The file is one JSON array. Write each object on a line of its own: jq -c '.[]'.")
	}
	var e Export
	var refused Refused
	number := 0
	for text := range bytes.SplitSeq(file, []byte("\n")) {
		number++
		text = bytes.Trim(text, " \t\r")
		if len(text) == 0 {
			e.Blank++
			continue
		}
		if err := e.add(number, text); err != nil {
			refused.Refusals = append(refused.Refusals, Refusal{Line: number, Reason: err.Error()})
		}
		if len(e.objects) > maxObjects {
			return Export{}, whole("The file has more than %d objects. Export fewer dashboards at once.", maxObjects)
		}
	}
	if bytes.HasSuffix(file, []byte("\n")) {
		e.Blank-- // what ends a line begins none
	}
	switch {
	case len(refused.Refusals) > 0:
		return Export{}, &refused
	case len(e.objects) == 0:
		return Export{}, whole("The file holds no objects.")
	}
	return e, nil
}

// otherEncoding names the encoding of a text that is not UTF-8 but looks like another's.
func otherEncoding(file []byte) string {
	at := func(i int) byte {
		if i < len(file) {
			return file[i]
		}
		return 1
	}
	switch {
	case bytes.HasPrefix(file, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(file, []byte("\x00\x00\xfe\xff")):
		return "UTF-32"
	case bytes.HasPrefix(file, []byte("\xff\xfe")), at(0) != 0 && at(1) == 0:
		return "UTF-16LE"
	case bytes.HasPrefix(file, []byte("\xfe\xff")), at(0) == 0 && at(1) != 0:
		return "UTF-16BE"
	}
	return ""
}

// add reads a line.
func (e *Export) add(number int, text []byte) error {
	if at := invalidAt(text); at >= 0 {
		return fmt.Errorf("column %d: this is no UTF-8", column(text, at))
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	var members map[string]json.RawMessage
	if err := decoder.Decode(&members); err != nil {
		var wrong *json.SyntaxError
		var other *json.UnmarshalTypeError
		switch {
		case errors.As(err, &wrong):
			return fmt.Errorf("column %d: no JSON: %s", column(text, int(wrong.Offset)-1), wrong.Error())
		case errors.As(err, &other):
			return errors.New("column 1: this is no object, but a JSON " + other.Value)
		case errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("column %d: the line ends within an object; each object is on one line", column(text, len(text)))
		}
		return fmt.Errorf("column 1: no JSON: %w", err)
	}
	if end := int(decoder.InputOffset()); end < len(text) {
		return fmt.Errorf("column %d: something follows the object; each object is on a line of its own", column(text, end))
	}
	if counted, isSummary := members["exportedCount"]; isSummary && members["type"] == nil {
		e.Summary++
		return ignored(json.Unmarshal(counted, &e.counted))
	}
	var o savedobjects.Object
	if err := json.Unmarshal(text, &o); err != nil || o.Type == "" || o.ID == "" || o.Attributes == nil {
		return errors.New("column 1: this is no saved object: it needs type, id and attributes")
	}
	if o.References == nil {
		o.References = []savedobjects.Reference{}
	}
	e.objects = append(e.objects, line{o, number})
	return nil
}

// ignored is for a count that is none: it tells less then.
func ignored(error) error { return nil }

func invalidAt(text []byte) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// column is of the character at an offset, from 1.
func column(text []byte, offset int) int {
	return utf8.RuneCount(text[:max(0, min(offset, len(text)))]) + 1
}
