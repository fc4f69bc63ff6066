package savedobjects_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/savedobjects"
)

func board(id, title string) savedobjects.Object {
	return savedobjects.Object{Type: savedobjects.TypeDashboard, ID: id, Attributes: map[string]any{"title": title}}
}

// written is the ledger after these objects were written as the templates of a space.
func written(objects ...savedobjects.Object) savedobjects.Ledger {
	return savedobjects.Space{}.Plan(objects, false).Ledger
}

func keyed(objects ...savedobjects.Object) map[string]savedobjects.Object {
	found := map[string]savedobjects.Object{}
	for _, o := range objects {
		found[o.Key()] = o
	}
	return found
}

// What a plan does with one dashboard, by what its template was and is, and what lies in the space.
func TestPlanKeepsWhatIsAPersons(t *testing.T) {
	t.Parallel()
	older, newer, edited := board("a", "one"), board("a", "two"), board("a", "mine")
	const key = "dashboard:a"
	for name, row := range map[string]struct {
		ledger  savedobjects.Ledger
		found   map[string]savedobjects.Object
		needed  bool
		wanted  []savedobjects.Object
		restore bool
		want    string // the list of the report that names it
		put     bool
		remove  bool
	}{
		"first":                        {wanted: []savedobjects.Object{newer}, want: "created", put: true},
		"nothing new":                  {ledger: written(newer), found: keyed(newer), wanted: []savedobjects.Object{newer}},
		"a new template":               {ledger: written(older), found: keyed(older), wanted: []savedobjects.Object{newer}, want: "updated", put: true},
		"written, and not noted":       {ledger: written(older), found: keyed(newer), wanted: []savedobjects.Object{newer}},
		"edited":                       {ledger: written(newer), found: keyed(edited), wanted: []savedobjects.Object{newer}, want: "edited"},
		"edited before a new template": {ledger: written(older), found: keyed(edited), wanted: []savedobjects.Object{newer}, want: "conflicts"},
		"somebody's with the same id":  {found: keyed(edited), wanted: []savedobjects.Object{newer}, want: "conflicts"},
		"deleted":                      {ledger: written(newer), wanted: []savedobjects.Object{newer}, want: "deleted"},
		"deleted before a new template": {
			ledger: written(older), wanted: []savedobjects.Object{newer}, want: "deleted",
		},
		"deleted and asked for":           {ledger: written(older), wanted: []savedobjects.Object{newer}, restore: true, want: "created", put: true},
		"edited, not asked for":           {ledger: written(older), found: keyed(edited), wanted: []savedobjects.Object{newer}, restore: true, want: "conflicts"},
		"retired":                         {ledger: written(older), found: keyed(older), want: "removed", remove: true},
		"retired and edited":              {ledger: written(older), found: keyed(edited)},
		"retired and deleted":             {ledger: written(older)},
		"retired, and somebody's need it": {ledger: written(older), found: keyed(older), needed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			space := savedobjects.Space{Ledger: row.ledger, Found: row.found, Needed: map[string]bool{key: row.needed}}
			plan := space.Plan(row.wanted, row.restore)
			lists := map[string][]string{
				"created": plan.Report.Created, "updated": plan.Report.Updated, "removed": plan.Report.Removed,
				"edited": plan.Report.Edited, "conflicts": plan.Report.Conflicts, "deleted": plan.Report.Deleted,
			}
			for list, keys := range lists {
				if slices.Contains(keys, key) != (list == row.want) {
					t.Errorf("%s holds %q, want it in %q", list, keys, row.want)
				}
			}
			if (len(plan.Put) == 1) != row.put || (len(plan.Remove) == 1) != row.remove {
				t.Errorf("puts %v and removes %v", plan.Put, plan.Remove)
			}
			// After it is done the same plan again changes nothing more.
			after := savedobjects.Space{Ledger: plan.Ledger, Found: maps.Clone(row.found), Needed: space.Needed}
			for _, o := range plan.Put {
				after.Found = keyed(o)
			}
			for _, key := range plan.Remove {
				delete(after.Found, key)
			}
			if again := after.Plan(row.wanted, row.restore); len(again.Put)+len(again.Remove) != 0 {
				t.Errorf("the second time it puts %v and removes %v", again.Put, again.Remove)
			}
		})
	}
}

// A conflict stays one until a person ends it, however many templates follow.
func TestAConflictStaysOne(t *testing.T) {
	t.Parallel()
	first, second, third := board("a", "one"), board("a", "two"), board("a", "three")
	space := savedobjects.Space{Ledger: written(first), Found: keyed(board("a", "mine"))}
	for _, template := range []savedobjects.Object{second, third, third} {
		plan := space.Plan([]savedobjects.Object{template}, false)
		if len(plan.Report.Conflicts) != 1 || len(plan.Put) != 0 {
			t.Fatalf("got %+v", plan.Report)
		}
		space.Ledger = plan.Ledger
	}
	space.Found = keyed(first) // undone in Dashboards
	if plan := space.Plan([]savedobjects.Object{third}, false); len(plan.Put) != 1 {
		t.Errorf("undone, it is not updated: %+v", plan.Report)
	}
}

func TestALedgerIsReadBack(t *testing.T) {
	t.Parallel()
	ledger := written(board("a", "one"), board("b", "two"))
	read := savedobjects.LedgerFrom(ledger.Record())
	if !maps.Equal(read.Objects, ledger.Objects) || read.Version != ledger.Version || len(read.Last.Created) != 2 {
		t.Errorf("read %+v, wrote %+v", read, ledger)
	}
	spoilt := ledger.Record()
	spoilt.Attributes["ledger"] = strings.Repeat("[", 3)
	if read := savedobjects.LedgerFrom(spoilt); read.Version != "" || len(read.Objects) != 0 {
		t.Errorf("a ledger that nobody can read says %+v", read)
	}
}
