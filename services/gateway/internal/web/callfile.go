package web

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/insights"
)

// detail reads the call that the path names.
func (w *Web) detail(c *gin.Context) (d insights.Detail, err error) {
	query, err := question(c, "agent")
	id := c.Param("contactId")
	if err == nil && (len(id) > maxValue || !utf8.ValidString(id)) {
		err = insights.ErrCallUnknown
	}
	if err != nil {
		return d, err
	}
	reader, err := w.Calls(c.Request.Context(), tenantOf(c))
	if err != nil {
		return d, problemOfSearch(err)
	}
	return reader.Detail(c.Request.Context(), id, query.Get("agent"))
}

var notForNames = regexp.MustCompile(`[^A-Za-z0-9-]+`)

// attach names the file that an answer is.
func attach(c *gin.Context, contactID, ending string) {
	const most = 80
	name := notForNames.ReplaceAllString(contactID, "_")
	c.Header("Content-Disposition", fmt.Sprintf(`attachment; filename="call-%s.%s"`, name[:min(len(name), most)], ending))
}

func (w *Web) callJSON(c *gin.Context) {
	d, err := w.detail(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	attach(c, d.Summary.ContactID, "json")
	c.IndentedJSON(http.StatusOK, d)
}

// callCSV answers the seconds of both directions: instants, numbers and truths only, so that no name in it can be a formula.
func (w *Web) callCSV(c *gin.Context) {
	d, err := w.detail(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	rows := [][]string{{"at", "heard_by", "mos", "packets", "lost", "jitter_millis", "jitter_is_buffer_delay", "round_trip_millis", "level", "muted", "on_hold", "suspect"}}
	type side struct {
		of string
		s  insights.Second
	}
	var all []side
	for _, s := range d.Heard {
		all = append(all, side{"agent", s})
	}
	for _, s := range d.Spoken {
		all = append(all, side{"customer", s})
	}
	slices.SortStableFunc(all, func(a, b side) int { return cmp.Compare(a.s.At, b.s.At) })
	for _, one := range all {
		s := one.s
		rows = append(rows, []string{
			s.At.String(), one.of, number(s.MOS), whole(s.Packets), whole(s.Lost), number(s.Jitter), strconv.FormatBool(s.IsBuffer), number(s.RoundTrip),
			whole(s.Level), truth(s.Muted), truth(s.OnHold), strconv.FormatBool(s.Suspect),
		})
	}
	if err := out.WriteAll(rows); err != nil {
		w.fail(c, fmt.Errorf("write a call as CSV: %w", err))
		return
	}
	attach(c, d.Summary.ContactID, "csv")
	c.Data(http.StatusOK, "text/csv; charset=utf-8", text.Bytes())
}

// What is not known is an empty field.
func number(value *float64) string {
	if value == nil {
		return ""
	}
	return short(*value)
}

func whole(value *int64) string {
	if value == nil {
		return ""
	}
	return strconv.FormatInt(*value, 10)
}

func truth(value *bool) string {
	if value == nil {
		return ""
	}
	return strconv.FormatBool(*value)
}
