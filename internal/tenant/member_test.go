package tenant_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// A setting that no row names could be changed without anybody noticing.
func TestEverySettingIsAMember(t *testing.T) {
	t.Parallel()
	want := append([]string{"connect_instances", "display_name"}, leaves("settings", reflect.TypeFor[tenant.Settings]())...)
	var got []string
	for _, m := range tenant.Members() {
		got = append(got, m.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("Members has %v, want %v", got, want)
	}
	const sayingHow = 1 // ByVolume changes nothing by itself
	if changes := reflect.TypeFor[tenant.Change]().NumField() - sayingHow; changes != len(want) {
		t.Errorf("a Change has %d members, want %d", changes, len(want))
	}
}

func leaves(at string, of reflect.Type) (names []string) {
	for field := range of.Fields() {
		name := at + "." + field.Tag.Get("json")
		if field.Type.Kind() == reflect.Struct && field.Type != reflect.TypeFor[tenant.Thresholds]() { // these change as one
			names = append(names, leaves(name, field.Type)...)
			continue
		}
		names = append(names, name)
	}
	return names
}

// docs/settings.md has one row for each member, which says the same of it.
func TestMembersAreExplained(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\|[^|]*\\| (?:an update: `(\\w+)`|(at once)) \\|").FindAllStringSubmatch(string(text), -1) {
		if _, twice := explained[row[1]]; twice {
			t.Errorf("docs/settings.md explains %s twice", row[1])
		}
		explained[row[1]] = row[2]
	}
	for _, m := range tenant.Members() {
		parameter, known := explained[m.Name]
		if !known || parameter != m.Parameter {
			t.Errorf("docs/settings.md says of %s parameter %q (%v), want %q", m.Name, parameter, known, m.Parameter)
		}
		delete(explained, m.Name)
	}
	for name := range explained {
		t.Errorf("docs/settings.md explains %s, which is none", name)
	}
}

// What the table says an update carries, the tenants' template takes; what lives in the database alone, it has no word for.
func TestMembersAreParametersOfTheStack(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../infra/tenant.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range tenant.Members() {
		if m.Parameter != "" && !strings.Contains(string(text), "\n  "+m.Parameter+":") {
			t.Errorf("%s: infra/tenant.yaml has no parameter %s", m.Name, m.Parameter)
		}
	}
}
