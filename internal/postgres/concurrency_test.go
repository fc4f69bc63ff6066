package postgres_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// together calls do n times at once and returns what it returned.
func together[T any](n int, do func(i int) T) []T {
	results, start := make([]T, n), make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			results[i] = do(i)
		})
	}
	close(start)
	group.Wait()
	return results
}

func tenantsOf(t *testing.T, db postgrestest.Database) []tenant.Tenant {
	t.Helper()
	list, _, err := db.Tenants(t.Context(), owner, tenant.Page{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestOneSlugManyCallers(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	s := testenv.Slug(t)
	errs := together(20, func(int) error {
		_, err := db.StartOnboard(t.Context(), owner, postgrestest.Draft(t, s), operation.Write{})
		return err
	})
	won := 0
	for _, err := range errs {
		f, _ := fault.As(err)
		switch {
		case err == nil:
			won++
		case !errors.Is(err, tenant.ErrSlugTaken) || len(f.Fields) != 1 || f.Fields[0].Pointer != "/slug":
			t.Errorf("a loser got %v", err)
		}
	}
	if won != 1 || len(tenantsOf(t, db)) != 1 {
		t.Errorf("%d of 20 won, %d tenants", won, len(tenantsOf(t, db)))
	}
}

func TestOneKeyManyCallers(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	draft := postgrestest.Draft(t, testenv.Slug(t))
	var mu sync.Mutex
	rendered := map[string]bool{}
	write := operation.Write{Key: "a key", Hash: [32]byte{1}, Render: func(s operation.Started) ([]byte, error) {
		text, err := json.Marshal(s)
		mu.Lock()
		defer mu.Unlock()
		rendered[string(text)] = true
		return text, err
	}}
	type answer struct {
		started operation.Started
		err     error
	}
	firsts := 0
	for _, a := range together(20, func(int) answer {
		started, err := db.StartOnboard(t.Context(), owner, draft, write)
		return answer{started, err}
	}) {
		switch {
		case a.err != nil:
			t.Errorf("a caller with the same key got %v", a.err)
		case a.started.Replay == nil:
			firsts++
		case !rendered[string(a.started.Replay)]:
			t.Errorf("a repeat was answered %s", a.started.Replay)
		}
	}
	if firsts != 1 || len(rendered) != 1 || len(tenantsOf(t, db)) != 1 {
		t.Errorf("%d were first, %d answers, %d tenants", firsts, len(rendered), len(tenantsOf(t, db)))
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	s := testenv.Slug(t)
	write := func(key string, hash byte) operation.Write {
		return operation.Write{Key: key, Hash: [32]byte{hash}, Render: func(operation.Started) ([]byte, error) { return []byte(key), nil }}
	}
	taken := postgrestest.Draft(t, s)
	if _, err := db.StartOnboard(t.Context(), owner, taken, write("one", 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.StartOnboard(t.Context(), owner, taken, write("one", 2)); !errors.Is(err, operation.ErrKeyReused) {
		t.Errorf("another request with the key got %v", err)
	}
	if _, err := db.StartOffboard(t.Context(), owner, s, operation.DeleteData, write("one", 3)); !errors.Is(err, operation.ErrKeyReused) {
		t.Errorf("another method with the key got %v", err)
	}
	if _, err := db.StartOnboard(t.Context(), owner, taken, write("two", 1)); !errors.Is(err, tenant.ErrSlugTaken) {
		t.Errorf("another key got %v", err)
	}
	free := postgrestest.Draft(t, testenv.Slug(t))
	if started, err := db.StartOnboard(t.Context(), owner, free, write("two", 1)); err != nil || started.Replay != nil {
		t.Errorf("a refusal was remembered: %v %s", err, started.Replay)
	}
	neighbour := access.Actor{Subject: "another subject", Role: access.Owner, Scope: access.Scope{All: true}}
	other := postgrestest.Draft(t, testenv.Slug(t))
	if started, err := db.StartOnboard(t.Context(), neighbour, other, write("one", 9)); err != nil || started.Replay != nil {
		t.Errorf("another caller's key got in the way: %v %s", err, started.Replay)
	}
	refused := write("three", 1)
	refused.Render = func(operation.Started) ([]byte, error) { return nil, errors.New("cannot be written") }
	if _, err := db.StartOnboard(t.Context(), owner, postgrestest.Draft(t, "unwritten"), refused); err == nil {
		t.Error("an answer that cannot be kept was given")
	}
	if _, err := db.Tenant(t.Context(), owner, "unwritten"); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("its tenant was kept: %v", err)
	}
}

func TestPlacement(t *testing.T) {
	t.Parallel()
	cell := func(name string, most int) tenant.Cell {
		return tenant.Cell{Name: name, Region: "eu-central-1", StackName: "a-cell", MaxTenants: most}
	}
	db := postgrestest.New(t, testenv.Postgres(t), cell("big", 6), cell("small", 2), cell("shut", 0))
	place := func(wanted string) (string, error) {
		draft := postgrestest.Draft(t, testenv.Slug(t))
		draft.Cell = wanted
		started, err := db.StartOnboard(t.Context(), owner, draft, operation.Write{})
		return started.Tenant.Cell, err
	}
	for _, want := range []string{"big", "small", "big", "big"} { // 0/6 0/2, 1/6 0/2, 1/6 1/2, 2/6 1/2
		if got, err := place(""); got != want || err != nil {
			t.Errorf("placed in %q, want %q: %v", got, want, err)
		}
	}
	if _, err := place("nowhere"); !errors.Is(err, tenant.ErrCellUnknown) {
		t.Errorf("an unknown cell got %v", err)
	}
	if _, err := place("shut"); !errors.Is(err, tenant.ErrCellFull) {
		t.Errorf("a full cell got %v", err)
	}
	for _, err := range together(10, func(int) error { _, err := place(""); return err }) {
		if err != nil && !errors.Is(err, tenant.ErrNoCell) {
			t.Errorf("got %v", err)
		}
	}
	cells, err := db.Cells(t.Context(), owner)
	if err != nil || fmt.Sprint(cells[0].Tenants, cells[1].Tenants, cells[2].Tenants) != "6 0 2" {
		t.Errorf("cells hold %+v, %v", cells, err)
	}
}

func TestConnectInstanceIsHeldOnce(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	first := postgrestest.Draft(t, testenv.Slug(t))
	if _, err := db.StartOnboard(t.Context(), owner, first, operation.Write{}); err != nil {
		t.Fatal(err)
	}
	second := postgrestest.Draft(t, testenv.Slug(t))
	held := first.ConnectInstances[0]
	held.Alias = "second"
	second.ConnectInstances = append(second.ConnectInstances, held)
	_, err := db.StartOnboard(t.Context(), owner, second, operation.Write{})
	f, ok := fault.As(err)
	if !ok || !errors.Is(err, tenant.ErrARNTaken) || f.Fields[0].Pointer != "/connect_instances/1/arn" {
		t.Errorf("got %v", err)
	}
	if list := tenantsOf(t, db); len(list) != 1 {
		t.Errorf("the refused tenant was left behind: %+v", list)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	for i := range 7 {
		onboard(t, db, slug.Slug("paged"+string(rune('a'+i))))
	}
	var seen bytes.Buffer
	page := tenant.Page{Limit: 3, Query: "TENANT PAGED"}
	for pages := 1; ; pages++ {
		list, next, err := db.Tenants(t.Context(), owner, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range list {
			fmt.Fprint(&seen, one.Slug, " ")
		}
		if page.Cursor = next; next == "" {
			if pages != 3 {
				t.Errorf("%d pages, want 3", pages)
			}
			break
		}
	}
	if want := "pageda pagedb pagedc pagedd pagede pagedf pagedg "; seen.String() != want {
		t.Errorf("got %s, want %s", &seen, want)
	}
	_, cursor, err := db.Operations(t.Context(), owner, operation.Filter{Limit: 5, Kind: operation.Onboard})
	if err != nil || cursor == "" {
		t.Fatal(cursor, err)
	}
	rest, end, err := db.Operations(t.Context(), owner, operation.Filter{Limit: 5, Kind: operation.Onboard, Cursor: cursor})
	if err != nil || len(rest) != 2 || end != "" || rest[1].Slug != "pageda" {
		t.Errorf("the second page of operations is %+v %q %v", rest, end, err)
	}
	for _, wrong := range []string{"x", "e30", cursor, "eyJmIjoiIiwicCI6e319"} {
		if _, _, err := db.Tenants(t.Context(), owner, tenant.Page{Cursor: wrong}); !errors.Is(err, tenant.ErrCursor) {
			t.Errorf("cursor %q got %v", wrong, err)
		}
	}
	if _, _, err := db.Operations(t.Context(), owner, operation.Filter{Cursor: cursor}); !errors.Is(err, tenant.ErrCursor) {
		t.Errorf("a cursor of another filter got %v", err)
	}
}
