package searchtenant

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/earshot-hq/earshot/internal/savedobjects"
	"github.com/earshot-hq/earshot/internal/slug"
	kibanatemplates "github.com/earshot-hq/earshot/kibana-templates"
)

// provisionTries is how often a plan is made anew because a person in Dashboards was faster than it.
const provisionTries = 5

var (
	// ErrNoTenant says that the cluster has no such tenant.
	ErrNoTenant = errors.New("this search has no such tenant")

	errBusySpace  = errors.New("the space's objects change faster than they can be written")
	errNotWritten = errors.New("the space does not hold what was written")

	builtIn = sync.OnceValues(func() ([]savedobjects.Object, error) { return savedobjects.Read(kibanatemplates.Files) })
)

// Provision writes the managed objects of the tenant's space anew, those that a person deleted only if restore asks for it,
// and tells what the space holds of them. The tenant must have been granted access: otherwise the error is ErrNoTenant.
func (a *Admin) Provision(ctx context.Context, s slug.Slug, restore bool) (savedobjects.Report, error) {
	var report savedobjects.Report
	err := a.inSpace(ctx, s, func(ctx context.Context, w *writer) error {
		var err error
		report, err = w.provision(ctx, s, restore)
		return err
	})
	return report, err
}

// provision makes the space's index, and its managed objects what their templates say.
func (w *writer) provision(ctx context.Context, s slug.Slug, restore bool) (report savedobjects.Report, err error) {
	if err := w.openSpace(ctx, s); err != nil {
		return report, err
	}
	wanted, err := w.wanted(ctx, s)
	if err != nil {
		return report, err
	}
	err = w.untilQuiet(ctx, s, func() error {
		report, err = w.provisionOnce(ctx, s, wanted, restore)
		return err
	})
	return report, err
}

// provisionOnce plans, writes, and reads back. Its error is errBusySpace when an object changed since it was read.
func (w *writer) provisionOnce(ctx context.Context, s slug.Slug, wanted []savedobjects.Object, restore bool) (savedobjects.Report, error) {
	held, at, err := w.readSpace(ctx, s, wanted)
	if err != nil {
		return savedobjects.Report{}, err
	}
	plan := held.Plan(wanted, restore)
	if err := w.writeObjects(ctx, s, plan, at); err != nil {
		return plan.Report, err
	}
	if !isSame(held.Ledger, plan.Ledger) {
		record := savedobjects.Plan{Put: []savedobjects.Object{plan.Ledger.Record()}}
		if err := w.writeObjects(ctx, s, record, at); err != nil {
			return plan.Report, err
		}
	}
	return lasting(plan), nil
}

// lasting is the plan's report, with what was written by the run that wrote these templates: a run that finds everything in
// place would otherwise say that nothing was done.
func lasting(plan savedobjects.Plan) savedobjects.Report {
	r, last := plan.Report, plan.Ledger.Last
	if last.Version == r.Version {
		r.Created, r.Updated, r.Removed = last.Created, last.Updated, last.Removed
	}
	return r
}

// A spaceDocument is a saved object as search answers it.
type spaceDocument struct {
	position
	ID      string          `json:"_id"`
	IsFound bool            `json:"found"`
	Source  json.RawMessage `json:"_source"`
}

// readSpace returns what the space holds of the managed objects, and where each was read.
func (a *Admin) readSpace(ctx context.Context, s slug.Slug, wanted []savedobjects.Object) (savedobjects.Space, map[string]position, error) {
	held := savedobjects.Space{Found: map[string]savedobjects.Object{}, Needed: map[string]bool{}}
	at := map[string]position{}
	records, err := a.readObjects(ctx, s, []string{savedobjects.RecordKey}, at)
	if err != nil {
		return held, nil, err
	}
	held.Ledger = savedobjects.LedgerFrom(records[savedobjects.RecordKey])
	keys := map[string]bool{}
	for _, o := range wanted {
		keys[o.Key()] = true
	}
	isRetiring := false
	for key := range held.Ledger.Objects {
		isRetiring = isRetiring || !keys[key]
		keys[key] = true
	}
	if held.Found, err = a.readObjects(ctx, s, slices.Sorted(maps.Keys(keys)), at); err != nil || !isRetiring {
		return held, at, err
	}
	all, err := a.allObjects(ctx, s)
	if err != nil {
		return held, nil, err
	}
	for _, o := range all {
		if keys[o.Key()] {
			continue
		}
		for _, reference := range o.References {
			held.Needed[reference.Type+":"+reference.ID] = true
		}
	}
	return held, at, nil
}

// readObjects returns those of the keys that are there, and notes where each was read.
func (a *Admin) readObjects(ctx context.Context, s slug.Slug, keys []string, at map[string]position) (map[string]savedobjects.Object, error) {
	documents, err := a.readDocuments(ctx, s, keys)
	if err != nil {
		return nil, err
	}
	found := map[string]savedobjects.Object{}
	for _, doc := range documents {
		o, err := savedobjects.FromDocument(doc.ID, doc.Source)
		if err != nil {
			return nil, fmt.Errorf("read space %s: %w", s, err)
		}
		found[doc.ID], at[doc.ID] = o, doc.position
	}
	return found, nil
}

// readDocuments returns those of the keys that are there, as they lie in the index.
func (a *Admin) readDocuments(ctx context.Context, s slug.Slug, keys []string) ([]spaceDocument, error) {
	var answer struct {
		Docs []spaceDocument `json:"docs"`
	}
	request := map[string]any{"ids": keys}
	if err := a.call(ctx, http.MethodGet, "/"+spaceIndex(s)+"/_mget", request, &answer); err != nil {
		return nil, fmt.Errorf("read space %s: %w", s, err)
	}
	if len(answer.Docs) != len(keys) {
		return nil, fmt.Errorf("read space %s: %d answers to %d keys", s, len(answer.Docs), len(keys))
	}
	return slices.DeleteFunc(answer.Docs, func(doc spaceDocument) bool { return !doc.IsFound }), nil
}

// mostObjects bounds a space: more objects than a page of search holds are not read.
const mostObjects = 10_000

// allObjects returns the saved objects of a space, without what Dashboards keeps beside them.
func (a *Admin) allObjects(ctx context.Context, s slug.Slug) ([]savedobjects.Object, error) {
	var answer struct {
		Hits struct {
			Total struct {
				Value int `json:"value"`
			} `json:"total"`
			Hits []spaceDocument `json:"hits"`
		} `json:"hits"`
	}
	request := map[string]any{"size": mostObjects, "track_total_hits": true}
	if err := a.call(ctx, http.MethodGet, "/"+spaceIndex(s)+"/_search", request, &answer); err != nil {
		return nil, fmt.Errorf("read space %s: %w", s, err)
	}
	if answer.Hits.Total.Value > len(answer.Hits.Hits) {
		return nil, fmt.Errorf("space %s holds %d objects, and at most %d are read", s, answer.Hits.Total.Value, mostObjects)
	}
	var objects []savedobjects.Object
	for _, doc := range answer.Hits.Hits {
		o, err := savedobjects.FromDocument(doc.ID, doc.Source)
		if err != nil {
			return nil, fmt.Errorf("read space %s: %w", s, err)
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// writeObjects writes what was planned in one bulk, each object only if it is still what was read, and reads it back.
func (w *writer) writeObjects(ctx context.Context, s slug.Slug, plan savedobjects.Plan, at map[string]position) error {
	if len(plan.Put)+len(plan.Remove) == 0 {
		return nil
	}
	now := time.Now()
	var changes []change
	for _, o := range plan.Put {
		changes = append(changes, change{key: o.Key(), source: o.Document(now)})
	}
	for _, key := range plan.Remove {
		changes = append(changes, change{key: key})
	}
	if err := w.writeChanges(ctx, s, changes, at); err != nil {
		return err
	}
	return w.readBack(ctx, s, plan)
}

// A change is of one document: what it shall be, or nothing when it shall not be there.
type change struct {
	key    string
	source any
}

// writeChanges makes changes in one bulk, each only if the document is still at the position where it was read. Its error is
// errBusySpace when one is not; others may have been made.
func (w *writer) writeChanges(ctx context.Context, s slug.Slug, changes []change, at map[string]position) error {
	lines, err := bulkOf(changes, at)
	if err != nil {
		return err
	}
	var answer struct {
		Items []map[string]struct {
			ID     string          `json:"_id"`
			Status int             `json:"status"`
			Error  json.RawMessage `json:"error"`
		} `json:"items"`
	}
	path := "/" + spaceIndex(s) + "/_bulk?refresh=true"
	if err := w.ask(ctx, http.MethodPost, path, lines, &answer); err != nil {
		return fmt.Errorf("write space %s: %w", s, err)
	}
	if len(answer.Items) != len(changes) {
		return fmt.Errorf("write space %s: %d answers to %d objects", s, len(answer.Items), len(changes))
	}
	isBusy := false
	for _, item := range answer.Items {
		for op, result := range item {
			switch {
			case result.Status == http.StatusConflict, result.Status == http.StatusTooManyRequests, op == "delete" && result.Status == http.StatusNotFound:
				isBusy = true
			case result.Status >= http.StatusMultipleChoices:
				return fmt.Errorf("write space %s: %s: %s", s, result.ID, excerpt(result.Error))
			}
		}
	}
	if isBusy {
		return errBusySpace
	}
	return nil
}

// readBack proves a write: what a bulk answers was seen to be no proof.
func (a *Admin) readBack(ctx context.Context, s slug.Slug, plan savedobjects.Plan) error {
	keys := slices.Clone(plan.Remove)
	for _, o := range plan.Put {
		keys = append(keys, o.Key())
	}
	found, err := a.readObjects(ctx, s, keys, map[string]position{})
	if err != nil {
		return err
	}
	for _, o := range plan.Put {
		if found[o.Key()].Whole() != o.Whole() {
			return fmt.Errorf("space %s: %s: %w", s, o.Key(), errNotWritten)
		}
	}
	for _, key := range plan.Remove {
		if _, isThere := found[key]; isThere {
			return fmt.Errorf("space %s: %s: %w", s, key, errNotWritten)
		}
	}
	return nil
}

// bulkOf returns the lines of a bulk. An object that was not there is created; one that was there is replaced if it is as it was.
func bulkOf(changes []change, at map[string]position) ([]byte, error) {
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	type action struct {
		ID          string `json:"_id"`
		SeqNo       *int64 `json:"if_seq_no,omitempty"`
		PrimaryTerm *int64 `json:"if_primary_term,omitempty"`
	}
	act := func(op, key string) (string, action) {
		p, isThere := at[key]
		if !isThere {
			return "create", action{ID: key}
		}
		return op, action{ID: key, SeqNo: &p.SeqNo, PrimaryTerm: &p.PrimaryTerm}
	}
	for _, c := range changes {
		var err error
		if c.source == nil {
			op, about := act("delete", c.key)
			err = encoder.Encode(map[string]action{op: about})
		} else {
			op, about := act("index", c.key)
			err = errors.Join(encoder.Encode(map[string]action{op: about}), encoder.Encode(c.source))
		}
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", c.key, err)
		}
	}
	return lines.Bytes(), nil
}

// spaceIndex is the name under which the security plugin looks for a space's objects. The index is written under it as any
// other: which tenant a request's header asks for is kept at the user's entry in a cache, and requests of one user at the same
// time were seen to get each other's.
func spaceIndex(s slug.Slug) string {
	return ".kibana_" + strconv.Itoa(int(javaHash(s.Space()))) + "_" + s.Space()
}

// makeSpaceIndex makes the index as the security plugin would at the first write: numbered, with the name as its alias, for
// Dashboards' migrations to point at the next number.
func (w *writer) makeSpaceIndex(ctx context.Context, s slug.Slug) error {
	name := spaceIndex(s)
	err := w.call(ctx, http.MethodGet, "/"+name+"/_alias", nil, nil)
	if !errors.Is(err, errAbsent) {
		return err
	}
	body := map[string]any{
		"aliases": map[string]any{name: map[string]any{}},
		"settings": map[string]any{"index": map[string]any{
			"number_of_shards": 1, "number_of_replicas": w.options.Replicas,
		}},
	}
	// Where Dashboards has run, its own template says how the objects are kept.
	if err := w.call(ctx, http.MethodGet, "/_template/tenant_template", nil, nil); errors.Is(err, errAbsent) {
		body["mappings"] = spaceMappings()
	} else if err != nil {
		return err
	}
	return w.change(ctx, http.MethodPut, "/"+name+"_1", body)
}

// spaceMappings are those of Dashboards for what a space holds. Without them search would guess, and Dashboards finds nothing by
// references that are not nested. What it does not know of a newer form, an index keeps and does not look into.
func spaceMappings() map[string]any {
	kept := map[string]any{"dynamic": false, "properties": map[string]any{"title": map[string]any{"type": "text"}}}
	properties := map[string]any{
		"type":             map[string]any{"type": "keyword"},
		"namespace":        map[string]any{"type": "keyword"},
		"namespaces":       map[string]any{"type": "keyword"},
		"originId":         map[string]any{"type": "keyword"},
		"updated_at":       map[string]any{"type": "date"},
		"migrationVersion": map[string]any{"dynamic": "true", "type": "object"},
		"references": map[string]any{"type": "nested", "properties": map[string]any{
			"id": map[string]any{"type": "keyword"}, "name": map[string]any{"type": "keyword"}, "type": map[string]any{"type": "keyword"},
		}},
	}
	for _, name := range savedobjects.Types() {
		properties[name] = kept
	}
	return map[string]any{"dynamic": false, "properties": properties}
}

// makeSpace makes the security tenant of the space.
func (w *writer) makeSpace(ctx context.Context, s slug.Slug) error {
	type securityTenant struct {
		Description string `json:"description"`
	}
	return settle(ctx, w, "tenants/"+s.Space(), securityTenant{Description: "Space of tenant " + s.String()})
}

// spaceIndices lists the indices of the space's saved objects: .kibana_<hash>_<slug> and what Dashboards' migrations made
// of it, .kibana_<hash>_<slug>_<n>. Another slug may have the same hash and begin alike, so the names are matched whole.
func (a *Admin) spaceIndices(ctx context.Context, s slug.Slug) ([]string, error) {
	name := spaceIndex(s)
	whole := regexp.MustCompile(`^` + regexp.QuoteMeta(name) + `(_\d+)?$`)
	return a.indices(ctx, name+"*", whole.MatchString)
}

// javaHash is Java's String.hashCode, by which the security plugin names a tenant's index.
func javaHash(s string) int32 {
	var h int32
	for _, unit := range utf16.Encode([]rune(s)) {
		h = 31*h + int32(unit)
	}
	return h
}
