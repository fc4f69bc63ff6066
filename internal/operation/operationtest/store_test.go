package operationtest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/operation/operationtest"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	operationtest.RunStore(t, func(t *testing.T) operationtest.World {
		t.Helper()
		m := operationtest.NewMemory(time.Now)
		made := 0
		return operationtest.World{
			Store: m,
			Running: func(*testing.T) operation.Operation {
				made++
				op := operation.Operation{ID: fmt.Sprint("op", made), TenantID: fmt.Sprint("tenant", made), Kind: operation.Onboard, State: operation.Running, Attempt: 1}
				m.Put(tenant.Tenant{ID: op.TenantID, State: tenant.Pending}, op)
				return op
			},
			Queued: func(_ *testing.T, running operation.Operation) operation.Operation {
				op := operation.Operation{ID: running.ID + "-off", TenantID: running.TenantID, Kind: operation.Offboard, State: operation.Queued, Attempt: 1}
				m.Put(tenant.Tenant{ID: op.TenantID, State: tenant.Deleting}, op)
				m.Cancel(running.ID)
				return op
			},
			Tenant: func(_ *testing.T, op operation.Operation) tenant.Tenant {
				_, saved, _ := m.Look(op.ID)
				return saved
			},
			Events: func(_ *testing.T, op operation.Operation) []operation.Event {
				_, _, events := m.Look(op.ID)
				return events
			},
		}
	})
}
