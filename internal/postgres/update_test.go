package postgres_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// active makes a tenant that is active.
func active(t *testing.T, db postgrestest.Database) tenant.Tenant {
	t.Helper()
	s := testenv.Slug(t)
	end(t, db, onboard(t, db, s).Operation, operation.Succeeded, &operation.TenantChange{State: tenant.Active})
	return tenantOf(t, db, s)
}

func tenantOf(t *testing.T, db postgrestest.Database, s slug.Slug) tenant.Tenant {
	t.Helper()
	found, err := db.Tenant(t.Context(), owner, s)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func update(t *testing.T, db postgrestest.Database, of tenant.Tenant, c tenant.Change) operation.Started {
	t.Helper()
	started, err := db.StartUpdate(t.Context(), owner, of.Slug, c, nil, operation.Write{})
	if err != nil {
		t.Fatalf("update %s: %v", of.Slug, err)
	}
	return started
}

var (
	ofDatabase = tenant.Change{RetentionDays: new(30), DeleteProtection: new(true)}
	ofStack    = tenant.Change{PrivacyIP: new(tenant.IPNone), RetentionDays: new(40)}
)

func TestUpdateOfTheDatabaseAlone(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	before := active(t, db)
	got := update(t, db, before, ofDatabase)
	if got.Operation.ID != "" || got.Tenant.Settings.RetentionDays != 30 || got.Tenant.Version <= before.Version || got.Tenant.State != tenant.Active {
		t.Errorf("got %+v", got)
	}
	if after := tenantOf(t, db, before.Slug); !reflect.DeepEqual(after, got.Tenant) {
		t.Errorf("answered %+v, and it is %+v", got.Tenant, after)
	}
	if again := update(t, db, before, ofDatabase); again.Operation.ID != "" || again.Tenant.Version != got.Tenant.Version {
		t.Errorf("nothing to change made version %d of %d", again.Tenant.Version, got.Tenant.Version)
	}
	audits := names(t, db.SuperuserURL, `select detail ->> 'members' from audit_events where action = 'tenants.update'`)
	if want := `["settings.retention_days", "settings.delete_protection"]`; len(audits) != 1 || audits[0] != want {
		t.Errorf("audit events %q, want one with %s", audits, want)
	}
}

func TestUpdateOfTheStack(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	before := active(t, db)
	got := update(t, db, before, ofStack)
	if got.Operation.Kind != operation.Update || got.Tenant.State != tenant.Updating || got.Tenant.ActiveOperation != got.Operation.ID {
		t.Errorf("got %+v", got)
	}
	if changed := tenant.Changed(before, got.Tenant); len(changed) > 0 {
		t.Errorf("%s is the tenant's before its stack has it", changed[0].Name)
	}
	if !reflect.DeepEqual(got.Operation.Change, ofStack) {
		t.Errorf("the operation has %+v, want %+v", got.Operation.Change, ofStack)
	}
	for what, err := range map[string]error{
		"another":            ignore(db.StartUpdate(t.Context(), owner, before.Slug, ofDatabase, nil, operation.Write{})),
		"an off-boarding":    ignore(db.StartOffboard(t.Context(), owner, before.Slug, operation.DeleteData, operation.Write{})),
		"a rebuild":          ignore(db.StartRebuild(t.Context(), owner, before.Slug)),
		"a retry of nothing": ignore(db.StartRetry(t.Context(), owner, before.Slug, operation.Write{})),
	} {
		if !errors.Is(err, operation.ErrRunning) && !errors.Is(err, operation.ErrNothingToRetry) {
			t.Errorf("%s beside an update got %v", what, err)
		}
	}

	end(t, db, got.Operation, operation.Failed, &operation.TenantChange{State: tenant.Active})
	again, err := db.StartRetry(t.Context(), owner, before.Slug, operation.Write{})
	if err != nil || again.Tenant.State != tenant.Updating || !reflect.DeepEqual(again.Operation.Change, ofStack) {
		t.Errorf("the second attempt is %+v, %v", again, err)
	}
	wanted := before.Settings
	wanted.RetentionDays, wanted.Privacy.IP = 40, tenant.IPNone
	end(t, db, again.Operation, operation.Succeeded, &operation.TenantChange{State: tenant.Active, DisplayName: "New", Settings: &wanted})
	if after := tenantOf(t, db, before.Slug); after.DisplayName != "New" || !reflect.DeepEqual(after.Settings, wanted) || after.ActiveOperation != "" {
		t.Errorf("the tenant is %+v", after)
	}
}

// What may change in which state.
func TestUpdateSuitsTheState(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	pending := onboard(t, db, testenv.Slug(t))
	failed := onboard(t, db, testenv.Slug(t))
	end(t, db, failed.Operation, operation.Failed, &operation.TenantChange{State: tenant.Failed})
	retained := active(t, db)
	end(t, db, offboard(t, db, retained.Slug, operation.RetainData), operation.Succeeded,
		&operation.TenantChange{State: tenant.Deleted, DataRetained: true})
	for name, row := range map[string]struct {
		of     slug.Slug
		change tenant.Change
		want   error
	}{
		"a stack that is being built":       {pending.Tenant.Slug, ofStack, operation.ErrRunning},
		"settings meanwhile":                {pending.Tenant.Slug, ofDatabase, operation.ErrRunning},
		"nothing meanwhile":                 {pending.Tenant.Slug, tenant.Change{RetentionDays: new(90)}, nil},
		"the stack of a failed onboarding":  {failed.Tenant.Slug, ofStack, tenant.ErrNotActive},
		"the protection of a failed tenant": {failed.Tenant.Slug, ofDatabase, nil},
		"a tenant of the past":              {retained.Slug, ofDatabase, tenant.ErrNotActive},
		"nobody":                            {"nobody", ofDatabase, tenant.ErrNotFound},
		"a wrong setting":                   {failed.Tenant.Slug, tenant.Change{RetentionDays: new(0)}, tenant.ErrInvalid},
	} {
		_, err := db.StartUpdate(t.Context(), owner, row.of, row.change, nil, operation.Write{})
		f, _ := fault.As(err)
		if !errors.Is(err, row.want) && (f == nil || f.Kind != fault.Invalid || !errors.Is(row.want, tenant.ErrInvalid)) {
			t.Errorf("%s: got %v, want %v", name, err, row.want)
		}
	}
}

// Twenty callers have read one version: one of them changes it, and the others must read again.
func TestOneVersionManyCallers(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	before := active(t, db)
	won := 0
	for _, err := range together(20, func(i int) error {
		_, err := db.StartUpdate(t.Context(), owner, before.Slug, tenant.Change{RetentionDays: new(i + 1)}, []int64{before.Version}, operation.Write{})
		return err
	}) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, operation.ErrChanged):
			t.Errorf("a loser got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of 20 won", won)
	}
}

// A repeat gets the first answer although the version that it names is no longer the tenant's.
func TestUpdateIsDoneOnce(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	before := active(t, db)
	write := operation.Write{Key: "k", Hash: [32]byte{1}, Render: func(s operation.Started) ([]byte, error) {
		return []byte(strings.Repeat("x", s.Tenant.Settings.RetentionDays)), nil
	}}
	for n, want := range []string{"", strings.Repeat("x", 30)} {
		got, err := db.StartUpdate(t.Context(), owner, before.Slug, ofDatabase, []int64{before.Version}, write)
		if err != nil || string(got.Replay) != want {
			t.Errorf("try %d: %+v, %v", n, got, err)
		}
	}
}
