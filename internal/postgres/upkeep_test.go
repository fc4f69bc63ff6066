package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// asSuperuser does what nothing of the product does.
func asSuperuser(t *testing.T, db postgrestest.Database, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.SuperuserURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestRequeue(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	abandoned := onboard(t, db, testenv.Slug(t)).Operation
	held := onboard(t, db, testenv.Slug(t)).Operation
	over := onboard(t, db, testenv.Slug(t)).Operation
	end(t, db, over, operation.Failed, &operation.TenantChange{State: tenant.Failed})
	if _, err := db.Claim(t.Context(), held.TenantID, held.ID, "worker", time.Hour); err != nil {
		t.Fatal(err)
	}
	requeue := func() int {
		n, err := db.Requeue(t.Context(), owner, 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := requeue(); n != 0 {
		t.Errorf("%d operations with a job got another", n)
	}
	asSuperuser(t, db, "delete from river.river_job")
	if n := requeue(); n != 1 {
		t.Errorf("%d operations got a new job, want %s alone", n, abandoned.ID)
	}
	if n := requeue(); n != 0 {
		t.Errorf("%d operations got a second new job", n)
	}
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	const lease = 45 * time.Minute
	for name, test := range map[string]struct {
		leaseEnds string // from now; empty: between two steps, nobody holds it
		fetched   string // before now
		holder    string
		want      int
	}{
		"its worker lives":                       {"15 min", "30 min", "other", 0},
		"its worker was killed in a step":        {"-1 s", "46 min", "other", 1},
		"fetched again, not yet claimed":         {"-1 s", "0 s", "other", 0},
		"just released by a worker that lives":   {"", "30 min", "", 0},
		"released by a worker that died at once": {"", "46 min", "", 1},
		"of this worker's former self":           {"30 min", "90 min", "survivor", 1},
		"of this very worker":                    {"30 min", "30 min", "survivor", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, testenv.Postgres(t))
			op := onboard(t, db, testenv.Slug(t)).Operation
			lasts := "null"
			if test.leaseEnds != "" {
				lasts = "now() + interval '" + test.leaseEnds + "'"
			}
			asSuperuser(t, db, `update operations set lease_until = `+lasts+`, holder = '`+test.holder+`' where id = '`+op.ID+`';
				update river.river_job set state = 'running', attempt = 1, attempted_at = now() - interval '`+test.fetched+`'`)
			got, err := db.TakeOver(t.Context(), owner, postgres.Survivor{
				Holder: "survivor", Began: time.Now().Add(-time.Hour), Lease: lease,
			})
			if err != nil || got != test.want {
				t.Errorf("%d jobs were taken over, want %d: %v", got, test.want, err)
			}
			if _, jobs, err := db.Counts(t.Context(), owner); err != nil || (jobs[0].State == "available") != (test.want == 1) {
				t.Errorf("jobs %+v, %v", jobs, err)
			}
		})
	}
}

func TestTakeOverOfRollouts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fetched string // before now
		by      string // after another
		want    int
	}{
		"its worker may look yet":          {"5 h", "other", 0},
		"no look lasts so long":            {"11 h", "other", 1},
		"of this worker's former self":     {"5 h", "survivor", 1},
		"of this very worker":              {"30 min", "survivor", 0},
		"former self, and another's since": {"5 h", "survivor,other", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, testenv.Postgres(t))
			s := testenv.Slug(t)
			end(t, db, onboard(t, db, s).Operation, operation.Succeeded, &operation.TenantChange{State: tenant.Active})
			if _, err := db.StartRollout(t.Context(), owner, operation.RolloutDraft{Artifacts: "v2", Tenants: []slug.Slug{s}, Parallel: 1}, operation.Write{}); err != nil {
				t.Fatal(err)
			}
			asSuperuser(t, db, `delete from river.river_job where kind <> 'advance_rollout';
				update river.river_job set state = 'running', attempt = 1, attempted_by = '{first,`+test.by+`}', attempted_at = now() - interval '`+test.fetched+`'`)
			patient, err := postgres.Open(t.Context(), postgres.Config{URL: db.AppURL, Timeout: 10 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(patient.Close)
			got, err := patient.TakeOver(t.Context(), owner, postgres.Survivor{Holder: "survivor", Began: time.Now().Add(-time.Hour), Lease: time.Minute})
			if err != nil || got != test.want {
				t.Errorf("%d jobs were taken over, want %d: %v", got, test.want, err)
			}
			if _, jobs, err := db.Counts(t.Context(), owner); err != nil || (jobs[0].State == "available") != (test.want == 1) {
				t.Errorf("jobs %+v, %v", jobs, err)
			}
		})
	}
}

// A worker begins, fetches a job at once, and looks for what others have left.
func TestAWorkerTakesNothingOverFromItself(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	op := onboard(t, db, testenv.Slug(t)).Operation
	began := time.Now()
	asSuperuser(t, db, `update operations set lease_until = now() + interval '1 minute', holder = 'survivor' where id = '`+op.ID+`';
		update river.river_job set state = 'running', attempt = 1, attempted_at = clock_timestamp()`)
	for range 100 {
		if n, err := db.TakeOver(t.Context(), owner, postgres.Survivor{Holder: "survivor", Began: began, Lease: time.Minute}); err != nil || n != 0 {
			t.Fatalf("%d jobs were taken over, %v", n, err)
		}
	}
}

func TestKeysAreForgottenAfterADay(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	write := operation.Write{Key: "k", Hash: [32]byte{1}, Render: func(operation.Started) ([]byte, error) { return []byte("first"), nil }}
	if _, err := db.StartOnboard(t.Context(), owner, postgrestest.Draft(t, testenv.Slug(t)), write); err != nil {
		t.Fatal(err)
	}
	forget := func() int64 {
		n, err := db.ForgetOldKeys(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := forget(); n != 0 {
		t.Errorf("%d keys of today were forgotten", n)
	}
	asSuperuser(t, db, "update idempotency_keys set created_at = now() - interval '25 hours'")
	write.Hash[0] = 2
	if started, err := db.StartOnboard(t.Context(), owner, postgrestest.Draft(t, testenv.Slug(t)), write); err != nil || started.Replay != nil {
		t.Errorf("a key of yesterday still counts: %v %s", err, started.Replay)
	}
	asSuperuser(t, db, "update idempotency_keys set created_at = now() - interval '25 hours'")
	if n := forget(); n != 1 {
		t.Errorf("%d keys were forgotten, want 1", n)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	onboard(t, db, testenv.Slug(t))
	operations, jobs, err := db.Counts(t.Context(), owner)
	if err != nil || len(operations) != 1 || operations[0] != (postgres.Count{Kind: "onboard", State: "running", HowMany: 1}) {
		t.Errorf("operations %+v, %v", operations, err)
	}
	if len(jobs) != 1 || jobs[0] != (postgres.Count{Kind: "advance_operation", State: "available", HowMany: 1}) {
		t.Errorf("jobs %+v", jobs)
	}
}

// Every tenant that keeps documents gets a job of its own, at an instant of its own, and no second one before that has ended.
func TestScheduleExpiry(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	for range 20 {
		onboard(t, db, testenv.Slug(t))
	}
	asSuperuser(t, db, "update tenants set state = 'active'")
	asSuperuser(t, db, `update tenants set state = case when id = (select min(id::text)::uuid from tenants) then 'provisioning' else 'deleting' end
		where id in (select id from tenants order by id limit 2)`)
	for range 3 {
		if n, err := db.ScheduleExpiry(t.Context(), owner, time.Hour); err != nil || n != 18 {
			t.Fatalf("%d tenants, %v", n, err)
		}
	}
	jobs := names(t, db.SuperuserURL, "select args ->> 'slug' from river.river_job where kind = 'expire_tenant'")
	instants := names(t, db.SuperuserURL, "select distinct scheduled_at::text from river.river_job where kind = 'expire_tenant' and scheduled_at between now() and now() + interval '1 hour'")
	if len(jobs) != 18 || len(instants) != 18 {
		t.Errorf("%d jobs at %d instants", len(jobs), len(instants))
	}
}
