package searchtenant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/earshot-hq/earshot/internal/savedobjects"
	"github.com/earshot-hq/earshot/internal/slug"
)

// undoTime is how long what was written may take to be taken back, after a failure or the end of the caller's patience.
const undoTime = 10 * time.Second

var errLeft = errors.New("an import is left in part, until the space is next provisioned or imported into")

// Search takes no transactions: a bulk may be written in part. What a space held is noted beforehand, so that the next one to open
// the space can take back what a lost process has left. The note lies beside the locks, where no tenant's editor reaches it.
type undoNote struct {
	// Packed is the note's text within a text: as members, search would make fields of them.
	Packed string `json:"packed"`
}

// An undoing is what a space held, and what is written into it.
type undoing struct {
	Before  map[string]json.RawMessage `json:"before"`  // documents by their keys, of those that were there
	Written map[string]string          `json:"written"` // Whole of each object by its key
}

func undoPath(s slug.Slug) string { return lockIndex + "/_doc/import-" + s.String() }

// openSpace makes the space's index, and takes back what an import has left that was not brought to an end.
func (w *writer) openSpace(ctx context.Context, s slug.Slug) error {
	if err := w.makeSpaceIndex(ctx, s); err != nil {
		return fmt.Errorf("make the index of space %s: %w", s, err)
	}
	var held struct {
		Source undoNote `json:"_source"`
	}
	err := w.call(ctx, http.MethodGet, undoPath(s), nil, &held)
	if errors.Is(err, errAbsent) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for what an import left in space %s: %w", s, err)
	}
	var u undoing
	if err := json.Unmarshal([]byte(held.Source.Packed), &u); err != nil {
		return fmt.Errorf("read what an import left in space %s: %w", s, err)
	}
	return w.takeBack(ctx, s, u)
}

// writeWhole writes all of the objects, each only if it is still what was read, or leaves the space as it was. What a person has
// changed meanwhile stays as the person has it.
func (w *writer) writeWhole(ctx context.Context, s slug.Slug, put []savedobjects.Object, at map[string]position) error {
	if len(put) == 0 {
		return nil
	}
	u := undoing{Before: map[string]json.RawMessage{}, Written: map[string]string{}}
	keys := make([]string, len(put))
	for i, o := range put {
		keys[i], u.Written[o.Key()] = o.Key(), o.Whole()
	}
	documents, err := w.readDocuments(ctx, s, keys)
	if err != nil {
		return err
	}
	for _, doc := range documents {
		if at[doc.ID] != doc.position {
			return errBusySpace
		}
		u.Before[doc.ID] = doc.Source
	}
	text, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("note what space %s holds: %w", s, err)
	}
	if err := w.change(ctx, http.MethodPut, undoPath(s), undoNote{Packed: string(text)}); err != nil {
		return fmt.Errorf("note what space %s holds: %w", s, err)
	}
	if err := w.writeObjects(ctx, s, savedobjects.Plan{Put: put}, at); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
		defer cancel()
		if undone := w.takeBack(ctx, s, u); undone != nil {
			return fmt.Errorf("space %s: %w: %s: %s", s, errLeft, err.Error(), undone.Error()) // wrapping neither: it is not to be tried on
		}
		return err
	}
	if err := w.drop(ctx, undoPath(s)); err != nil {
		return fmt.Errorf("space %s: forget what it held: %w", s, err)
	}
	return nil
}

// takeBack makes the documents what they were, but for those that are no longer what was written, and forgets the note.
func (w *writer) takeBack(ctx context.Context, s slug.Slug, u undoing) error {
	err := w.untilQuiet(ctx, s, func() error { return w.takeBackOnce(ctx, s, u) })
	if err == nil {
		err = w.drop(ctx, undoPath(s))
	}
	if err != nil {
		return fmt.Errorf("take back what was written into space %s: %w", s, err)
	}
	return nil
}

func (w *writer) takeBackOnce(ctx context.Context, s slug.Slug, u undoing) error {
	keys := make([]string, 0, len(u.Written))
	for key := range u.Written {
		keys = append(keys, key)
	}
	documents, err := w.readDocuments(ctx, s, keys)
	if err != nil {
		return err
	}
	var changes []change
	at := map[string]position{}
	for _, doc := range documents {
		o, err := savedobjects.FromDocument(doc.ID, doc.Source)
		if err != nil || o.Whole() != u.Written[doc.ID] {
			continue // a person's, or not written
		}
		c := change{key: doc.ID}
		if before, wasThere := u.Before[doc.ID]; wasThere {
			c.source = before
		}
		changes, at[doc.ID] = append(changes, c), doc.position
	}
	if len(changes) == 0 {
		return nil
	}
	return w.writeChanges(ctx, s, changes, at)
}
