package agents

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

const arn = "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-00000000acbe"

func sample() *Directory {
	return &Directory{
		InstanceARN: arn, TakenAt: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC),
		Groups:          []Group{{"g0", []string{"EMEA", "Berlin"}}, {"g1", []string{"EMEA", "Berlin", "Orders", "Late", "Team 7"}}},
		RoutingProfiles: []RoutingProfile{{"p0", "Retail Voice"}},
		Agents: []Agent{
			{"mira.holm", "a0", "Mira Holm", 1, 0}, {"jonas.weber", "a1", "", 0, -1}, {"Ines.Costa", "a2", "Inês Costa", -1, 0},
		},
	}
}

func parsed(t *testing.T, d *Directory) *Directory {
	t.Helper()
	text, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	read, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestFindSaysWhatIsKept(t *testing.T) {
	t.Parallel()
	d := parsed(t, sample())
	for username, want := range map[string]Place{
		"mira.holm": {
			AgentARN: arn + "/agent/a0", AgentName: "Mira Holm", RoutingProfileARN: arn + "/routing-profile/p0",
			HierarchyL1: "EMEA", HierarchyL2: "Berlin", HierarchyL3: "Orders", HierarchyL4: "Late", HierarchyL5: "Team 7",
		},
		"jonas.weber": {AgentARN: arn + "/agent/a1", HierarchyL1: "EMEA", HierarchyL2: "Berlin"},
		"Ines.Costa":  {AgentARN: arn + "/agent/a2", AgentName: "Inês Costa", RoutingProfileARN: arn + "/routing-profile/p0"},
	} {
		if got, known := d.Find(username); !known || got != want {
			t.Errorf("%s: %+v, %v", username, got, known)
		}
	}
	for _, stranger := range []string{"", "ines.costa", "mira.holm ", "MIRA.HOLM"} {
		if got, known := d.Find(stranger); known || got != (Place{}) {
			t.Errorf("%q is known: %+v", stranger, got)
		}
	}
}

// What is cut off anywhere, contradicts itself or is of another version is refused as a whole.
func TestParseTakesNothingByHalves(t *testing.T) {
	t.Parallel()
	whole, err := sample().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for length := range whole {
		if _, err := Parse(whole[:length]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("%d bytes of %d: %v", length, len(whole), err)
		}
	}
	for name, edit := range map[string]func(*Directory){
		"no instance":           func(d *Directory) { d.InstanceARN = "" },
		"no time":               func(d *Directory) { d.TakenAt = time.Time{} },
		"nobody":                func(d *Directory) { d.Agents = nil },
		"a group that is none":  func(d *Directory) { d.Agents[0].Group = 2 },
		"a group below none":    func(d *Directory) { d.Agents[0].Group = -2 },
		"a profile that is not": func(d *Directory) { d.Agents[2].RoutingProfile = 1 },
		"an agent without name": func(d *Directory) { d.Agents[1].Username = "" },
		"an agent without id":   func(d *Directory) { d.Agents[1].ID = "" },
		"a group on no level":   func(d *Directory) { d.Groups[0].Path = nil },
		"a sixth level":         func(d *Directory) { d.Groups[1].Path = append(d.Groups[1].Path, "x") },
		"too many":              func(d *Directory) { d.Agents = make([]Agent, MaxAgents+1) },
	} {
		d := sample()
		edit(d)
		text, err := d.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(text); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, version := range []string{"0", "2", "99"} {
		text := strings.Replace(string(whole), `"v":1`, `"v":`+version, 1)
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrVersion) {
			t.Errorf("version %s: %v", version, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	whole, err := sample().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"v":1,"agents":[{"group":-9}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text)
		if err != nil {
			return
		}
		for _, a := range d.Agents { // whatever it is, it can be looked up
			if _, known := d.Find(a.Username); !known {
				t.Errorf("%q is in it and not found", a.Username)
			}
		}
	})
}

func TestBook(t *testing.T) {
	t.Parallel()
	berlin, other := parsed(t, sample()), sample()
	other.Agents = []Agent{{"jonas.weber", "b0", "Jonas Weber", -1, -1}, {"ada.abara", "b1", "Ada Abara", -1, -1}}
	leeds := parsed(t, other)
	rows := []struct {
		name            string
		book            Book
		alias, username string
		wantARN         string
		want            *bool
	}{
		{"no instances", nil, "acme", "mira.holm", "", nil},
		{"no directory yet", Book{"acme": nil}, "acme", "mira.holm", "", nil},
		{"known", Book{"acme": berlin}, "acme", "mira.holm", arn + "/agent/a0", new(true)},
		{"stranger", Book{"acme": berlin}, "acme", "mallory", "", new(false)},
		{"of another instance", Book{"acme": berlin, "leeds": leeds}, "leeds", "mira.holm", "", new(false)},
		{"of an instance that is not ours", Book{"acme": berlin}, "evil", "mira.holm", "", new(false)},
		{"of an instance without directory", Book{"acme": berlin, "leeds": nil}, "leeds", "mira.holm", "", nil},
		{"no instance named", Book{"acme": berlin, "leeds": leeds}, "", "ada.abara", arn + "/agent/b1", new(true)},
		{"no instance named, stranger", Book{"acme": berlin, "leeds": leeds}, "", "mallory", "", new(false)},
		{"no instance named, two of the name", Book{"acme": berlin, "leeds": leeds}, "", "jonas.weber", "", nil},
		{"no instance named, one without directory", Book{"acme": berlin, "leeds": nil}, "", "mallory", "", nil},
		{"no instance named, may be in the other", Book{"acme": berlin, "leeds": nil}, "", "mira.holm", "", nil},
	}
	for _, row := range rows {
		got := row.book.Find(row.alias, row.username)
		if got.AgentARN != row.wantARN || !reflect.DeepEqual(got.Known, row.want) {
			t.Errorf("%s: %+v", row.name, got)
		}
		if got.IsStranger() != (row.want != nil && !*row.want) {
			t.Errorf("%s: a stranger: %v", row.name, got.IsStranger())
		}
	}
}

func TestStatusRoundTrip(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	want := Status{V: Version, Alias: "acme", StartedAt: at, EndedAt: at.Add(time.Minute), Requests: 7, Throttled: 2, Code: ErrThrottled.Code, Detail: "x"}
	text, err := want.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseStatus(text); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{``, `{`, `[]`} {
		if _, err := ParseStatus([]byte(text)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParseStatus([]byte(`{"v":2}`)); !errors.Is(err, ErrVersion) {
		t.Errorf("a newer version: %v", err)
	}
}

// Each has its own key, whatever the alias.
func TestKeysNeverMeet(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, alias := range []string{"acme", "acme-status", "status", "acme-json"} {
		for _, key := range []string{ObjectKey(alias), StatusKey(alias)} {
			if seen[key] || !strings.HasPrefix(key, "directory/") {
				t.Errorf("key %s", key)
			}
			seen[key] = true
		}
	}
}

// full is a directory of as many agents as there may be, with names as long as people's are.
func full(tb testing.TB) []byte {
	tb.Helper()
	d := &Directory{InstanceARN: arn, TakenAt: time.Now()}
	for g := range 500 {
		d.Groups = append(d.Groups, Group{fmt.Sprintf("%036d", g), []string{"EMEA", "North", "Berlin", "Orders", fmt.Sprint("Team ", g)}})
	}
	for p := range 500 {
		d.RoutingProfiles = append(d.RoutingProfiles, RoutingProfile{fmt.Sprintf("%036d", p), fmt.Sprint("Retail Voice ", p)})
	}
	for n := range MaxAgents {
		d.Agents = append(d.Agents, Agent{
			fmt.Sprintf("alexandra.winterbottom.%05d@acme-contact-centre.example", n), fmt.Sprintf("%08d-0000-4000-8000-000000000000", n),
			"Alexandra Winterbottom-Featherstonehaugh", int32(n % 500), int32(n % 500),
		})
	}
	text, err := json.Marshal(object{Version, d.InstanceARN, d.TakenAt, d.Groups, d.RoutingProfiles, d.Agents})
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// held is what a full directory takes of the memory, in bytes.
func held(tb testing.TB, text []byte) int64 {
	tb.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	d, err := Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(d)
	runtime.KeepAlive(text)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// It is not parallel to others, which would be counted too.
func TestFullDirectoryFits(t *testing.T) { // it measures the heap
	const most = 60 << 20
	if got := held(t, full(t)); got > most {
		t.Errorf("%d agents take %d bytes, want at most %d", MaxAgents, got, most)
	}
}

func BenchmarkParseFull(b *testing.B) {
	text := full(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(held(b, text))/(1<<20), "MiB-held")
	b.ReportMetric(float64(len(text))/(1<<20), "MiB-object")
}

func BenchmarkFind(b *testing.B) {
	d, err := Parse(full(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		d.Find("alexandra.winterbottom.31415@acme-contact-centre.example")
	}
}
