package postgres_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

func adds(alias, id string) tenant.Change {
	return tenant.Change{ConnectInstances: tenant.InstancesChange{Add: &tenant.ConnectInstance{
		Alias: alias, ARN: "arn:aws:connect:eu-central-1:111122223333:instance/" + id, CCPURL: "https://" + alias + ".my.connect.aws/ccp-v2",
	}}}
}

func aliases(of tenant.Tenant) string {
	var list []string
	for _, c := range of.ConnectInstances {
		list = append(list, c.Alias)
	}
	return fmt.Sprint(list)
}

// adopted is what the last step of an update saves.
func adopted(t *testing.T, of tenant.Tenant, c tenant.Change) *operation.TenantChange {
	t.Helper()
	wanted, err := c.Apply(of, of.UpdatedAt)
	if err != nil {
		t.Fatal(err)
	}
	return &operation.TenantChange{State: tenant.Active, DisplayName: wanted.DisplayName, Settings: &wanted.Settings, Instances: wanted.ConnectInstances}
}

// An instance is the tenant's when the stack has it; from the start, nobody else may have it.
func TestAnAddedInstanceIsHeld(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	mine, other := active(t, db), active(t, db)
	add := adds("second", uuid.NewString())
	started := update(t, db, mine, add)
	if got := aliases(tenantOf(t, db, mine.Slug)); got != aliases(mine) {
		t.Errorf("instances %s before the stack has the new one", got)
	}
	taken := func(when string) {
		t.Helper()
		_, err := db.StartUpdate(t.Context(), owner, other.Slug, add, nil, operation.Write{})
		if !errors.Is(err, tenant.ErrARNTaken) {
			t.Errorf("%s another tenant gets it: %v", when, err)
		}
	}
	taken("while it is added")
	end(t, db, started.Operation, operation.Failed, &operation.TenantChange{State: tenant.Active})
	if got := aliases(tenantOf(t, db, mine.Slug)); got != aliases(mine) {
		t.Errorf("instances %s after a failure", got)
	}
	again, err := db.StartRetry(t.Context(), owner, mine.Slug, operation.Write{})
	if err != nil {
		t.Fatal(err)
	}
	taken("while it is tried again")
	end(t, db, again.Operation, operation.Succeeded, adopted(t, tenantOf(t, db, mine.Slug), add))
	if got := aliases(tenantOf(t, db, mine.Slug)); got != "[main second]" {
		t.Errorf("instances %s", got)
	}
	taken("when it is there")
}

// An update that failed gives the instance back; a retry that comes too late does not get it.
func TestAFailedAdditionLetsGo(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	mine, other := active(t, db), active(t, db)
	add := adds("second", uuid.NewString())
	end(t, db, update(t, db, mine, add).Operation, operation.Failed, &operation.TenantChange{State: tenant.Active})
	update(t, db, other, add)
	if _, err := db.StartRetry(t.Context(), owner, mine.Slug, operation.Write{}); !errors.Is(err, tenant.ErrARNTaken) {
		t.Errorf("two tenants have it: %v", err)
	}
}

func TestARemovedInstanceIsFree(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	mine, other := active(t, db), active(t, db)
	id := uuid.NewString()
	add, remove := adds("second", id), tenant.Change{ConnectInstances: tenant.InstancesChange{Remove: "second"}}
	end(t, db, update(t, db, mine, add).Operation, operation.Succeeded, adopted(t, mine, add))
	mine = tenantOf(t, db, mine.Slug)
	end(t, db, update(t, db, mine, remove).Operation, operation.Succeeded, adopted(t, mine, remove))
	if got := aliases(tenantOf(t, db, mine.Slug)); got != "[main]" {
		t.Errorf("instances %s", got)
	}
	if got := aliases(tenantOf(t, db, other.Slug)); got != "[main]" {
		t.Errorf("the other tenant has %s", got)
	}
	update(t, db, other, adds("third", id))
}

// A retry of an update whose stack had the instance already leaves it the tenant's.
func TestRetryAfterTheStackHadIt(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	mine := active(t, db)
	add := adds("second", uuid.NewString())
	started := update(t, db, mine, add)
	change := adopted(t, mine, add)
	change.State = tenant.Failed // its synthetic call was lost
	end(t, db, started.Operation, operation.Failed, change)
	if _, err := db.StartRetry(t.Context(), owner, mine.Slug, operation.Write{}); err != nil {
		t.Fatal(err)
	}
	if got := aliases(tenantOf(t, db, mine.Slug)); got != "[main second]" {
		t.Errorf("instances %s", got)
	}
}
