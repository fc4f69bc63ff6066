package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/opensearch-project/opensearch-go/v2/opensearchapi"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// target is the action line of one document.
type target struct {
	Index       string `json:"_index"`
	ID          string `json:"_id"`
	Version     int64  `json:"version,omitempty"`
	VersionType string `json:"version_type,omitempty"`
}

// actionLine says create for what nobody may change, index for what a newer computation replaces.
func actionLine(d telemetry.Document) []byte {
	action, to := "create", target{Index: d.Index, ID: d.ID}
	if d.Overwrite {
		action = "index"
		if d.Version > 0 {
			to.Version, to.VersionType = d.Version, "external_gte"
		}
	}
	line, err := json.Marshal(map[string]target{action: to})
	if err != nil {
		panic(err) // strings and a number always encode
	}
	return line
}

const actionBytes = 96 // of an action line besides index and id, rounded up

func lineBytes(d telemetry.Document) int {
	return len(d.Source) + len(d.Index) + len(d.ID) + actionBytes
}

func encode(documents []telemetry.Document) *bytes.Buffer {
	body := &bytes.Buffer{}
	for _, d := range documents {
		body.Write(actionLine(d))
		body.WriteByte('\n')
		body.Write(d.Source)
		body.WriteByte('\n')
	}
	return body
}

// answer is what search says to a bulk: items, or one error.
type answer struct {
	Items []map[string]item `json:"items"`
	Error cause             `json:"error"`
}

type item struct {
	ID     string `json:"_id"`
	Status int    `json:"status"`
	Error  cause  `json:"error"`
}

// send posts one bulk. An error means that nothing is known; of a status other than 200 the answer's error may be empty.
func (s *Sink) send(ctx context.Context, documents []telemetry.Document) (int, answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	response, err := opensearchapi.BulkRequest{Body: encode(documents)}.Do(ctx, s.search)
	if err != nil {
		return 0, answer{}, fmt.Errorf("post bulk: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, answer{}, fmt.Errorf("read the bulk's answer: %w", err)
	}
	var read answer
	if err := json.Unmarshal(body, &read); err != nil && response.StatusCode == http.StatusOK {
		return 0, answer{}, errors.New("the bulk's answer is no JSON of the expected form")
	}
	return response.StatusCode, read, nil
}

// judgeAll fills in the outcomes from the items, which search lists in the order of the request. When items are missing,
// or are not those of the documents sent, none of them says anything.
func (a answer) judgeAll(documents []telemetry.Document, outcomes []Outcome) error {
	if len(a.Items) != len(documents) {
		return fmt.Errorf("the bulk's answer has %d items for %d documents", len(a.Items), len(documents))
	}
	judged := make([]Outcome, len(documents))
	for i, actions := range a.Items {
		if len(actions) != 1 {
			return fmt.Errorf("item %d of the bulk's answer has %d actions", i, len(actions))
		}
		for _, it := range actions {
			if it.ID != documents[i].ID {
				return fmt.Errorf("item %d of the bulk's answer is about another document", i)
			}
			judged[i] = judge(it.Status, it.Error)
		}
	}
	copy(outcomes, judged)
	return nil
}
