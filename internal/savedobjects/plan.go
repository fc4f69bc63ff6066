package savedobjects

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// RecordKey is where a space keeps its Ledger.
const RecordKey = TypeConfig + ":" + recordID

const (
	recordID     = "earshot"
	ledgerMember = "ledger" // a text, so that its members become no fields
)

// A Ledger says what the managed objects of a space were when they were written last. Who edits or deletes one in Dashboards
// does not change it, and so is found out.
type Ledger struct {
	Version string             `json:"version"` // of the templates
	Objects map[string]Written `json:"objects"` // by their keys
	Last    Report             `json:"last"`    // of the run that wrote last
}

// Written are the hashes of an object as it was written.
type Written struct {
	Content string `json:"content"`
	Whole   string `json:"whole"`
}

// A Report says what provisioning found and did, by the keys of objects.
type Report struct {
	Version   string   `json:"version"`
	Managed   int      `json:"managed"`   // objects that the templates have
	Created   []string `json:"created"`   // were not there
	Updated   []string `json:"updated"`   // nobody had edited them, and the template is new
	Removed   []string `json:"removed"`   // the templates have them no more; nobody had edited them, and nothing needs them
	Edited    []string `json:"edited"`    // a person's, kept; the template is the one that was edited
	Conflicts []string `json:"conflicts"` // a person's, kept; the template is a newer one, which the space lacks
	Deleted   []string `json:"deleted"`   // by a person; they come back when asked for
}

// A Plan is what is to be written of a space, and the ledger and the report of it once it is written.
type Plan struct {
	Put    []Object
	Remove []string
	Ledger Ledger
	Report Report
}

// A Space is what lies in the index of a tenant's space.
type Space struct {
	Ledger Ledger
	Found  map[string]Object // the managed ones that are there: of the ledger and of the templates
	Needed map[string]bool   // keys to which an object refers that is not managed
}

// Plan returns how the space gets the templates, which are the tenant's own already. It touches no object that a person has
// edited since it was written, nor one that was never written; of the deleted ones it brings back those that are asked for.
func (s Space) Plan(wanted []Object, restore bool) Plan {
	p := Plan{
		Ledger: Ledger{Version: Version(wanted), Objects: map[string]Written{}},
		Report: Report{
			Managed: len(wanted), Created: []string{}, Updated: []string{}, Removed: []string{},
			Edited: []string{}, Conflicts: []string{}, Deleted: []string{},
		},
	}
	p.Report.Version = p.Ledger.Version
	keys := map[string]bool{}
	for _, o := range wanted {
		keys[o.Key()] = true
		s.place(&p, o, restore)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Ledger.Objects)) {
		if !keys[key] {
			s.retire(&p, key)
		}
	}
	p.Ledger.Last = s.Ledger.Last
	if len(p.Put)+len(p.Remove) > 0 || p.Ledger.Version != s.Ledger.Version {
		p.Ledger.Last = p.Report
	}
	return p
}

// place decides about one template.
func (s Space) place(p *Plan, o Object, restore bool) {
	key, now := o.Key(), Written{Content: o.Content(), Whole: o.Whole()}
	found, isThere := s.Found[key]
	before, wasWritten := s.Ledger.Objects[key]
	isNew := before.Whole != now.Whole
	var list *[]string
	p.Ledger.Objects[key] = before
	switch {
	case !isThere && wasWritten && !restore:
		p.Report.Deleted = append(p.Report.Deleted, key)
		return
	case !isThere:
		list = &p.Report.Created
	case found.Content() == now.Content && (!isNew || found.Whole() == now.Whole):
		p.Ledger.Objects[key] = now
		return
	case found.Content() == now.Content, wasWritten && found.Content() == before.Content:
		list = &p.Report.Updated
	case isNew:
		p.Report.Conflicts = append(p.Report.Conflicts, key)
		if !wasWritten {
			delete(p.Ledger.Objects, key)
		}
		return
	default:
		p.Report.Edited = append(p.Report.Edited, key)
		return
	}
	*list = append(*list, key)
	p.Put = append(p.Put, o)
	p.Ledger.Objects[key] = now
}

// retire decides about an object that the templates have no more. What somebody edited or needs becomes the tenant's own.
func (s Space) retire(p *Plan, key string) {
	found, isThere := s.Found[key]
	if !isThere || found.Content() != s.Ledger.Objects[key].Content || s.Needed[key] {
		return
	}
	p.Remove = append(p.Remove, key)
	p.Report.Removed = append(p.Report.Removed, key)
}

// Version is the hash of a set of templates.
func Version(objects []Object) string {
	var wholes []string
	for _, o := range objects {
		wholes = append(wholes, o.Whole())
	}
	slices.Sort(wholes)
	sum := sha256.Sum256([]byte(strings.Join(wholes, "\n")))
	return hex.EncodeToString(sum[:8])
}

// Record returns the ledger as an object that Dashboards keeps and uses for nothing.
func (l Ledger) Record() Object {
	return Object{
		Type: TypeConfig, ID: recordID, Attributes: map[string]any{ledgerMember: Encode(l)}, References: []Reference{},
		MigrationVersion: map[string]string{TypeConfig: migrations[TypeConfig]},
	}
}

// LedgerFrom returns the ledger in a record. One that nobody can read says nothing: every object is then taken for a person's
// that is not as its template.
func LedgerFrom(record Object) Ledger {
	var l Ledger
	text, _ := record.Attributes[ledgerMember].(string)
	if json.Unmarshal([]byte(text), &l) != nil {
		return Ledger{}
	}
	return l
}
