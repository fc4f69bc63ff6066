package operation_test

import (
	"slices"
	"testing"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// The directory of an instance whose role an update has set is read at once, and no other's, and only when the stack has the role.
func TestADirectoryIsReadWhenItsRoleIsGiven(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::111122223333:role/EarshotConnectRead"
	berlin := tenant.ConnectInstance{
		Alias: "berlin", ARN: "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-00000000acb1", Region: "eu-west-2",
		CCPURL: "https://berlin.my.connect.aws/ccp-v2", DirectoryRoleARN: role,
	}
	without := berlin
	without.DirectoryRoleARN = ""
	for name, row := range map[string]struct {
		change tenant.Change
		fail   string
		want   []string
	}{
		"a role is given":            {change: tenant.Change{ConnectInstances: tenant.InstancesChange{Change: &tenant.InstanceChange{Alias: "acme", DirectoryRoleARN: new(role)}}}, want: []string{"acme"}},
		"a role is taken away":       {change: tenant.Change{ConnectInstances: tenant.InstancesChange{Change: &tenant.InstanceChange{Alias: "acme", DirectoryRoleARN: new("")}}}},
		"an address changes":         {change: tenant.Change{ConnectInstances: tenant.InstancesChange{Change: &tenant.InstanceChange{Alias: "acme", CCPURL: new("https://acme.my.connect.aws/ccp-v2")}}}},
		"an instance with a role":    {change: tenant.Change{ConnectInstances: tenant.InstancesChange{Add: &berlin}}, want: []string{"berlin"}},
		"an instance without a role": {change: tenant.Change{ConnectInstances: tenant.InstancesChange{Add: &without}}},
		"settings":                   {change: someChange()},
		"the stack refuses the role": {
			change: tenant.Change{ConnectInstances: tenant.InstancesChange{Change: &tenant.InstanceChange{Alias: "acme", DirectoryRoleARN: new(role)}}},
			fail:   "DirectoryRole",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupUpdate(t)
			op, tn, _ := b.store.Look(opID)
			tn.ConnectInstances = []tenant.ConnectInstance{{
				Alias: "acme", ARN: "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-00000000acb0", Region: "eu-west-2",
				CCPURL: "https://acme.awsapps.com/connect/ccp-v2",
			}}
			op.Change = row.change
			b.store.Put(tn, op)
			b.cloud.FailUpdate = row.fail
			op = b.finish(t)
			if wantsSuccess := row.fail == ""; wantsSuccess != (op.State == operation.Succeeded) {
				t.Errorf("the update %s: %+v", op.State, op.Failure)
			}
			if !slices.Equal(b.cloud.Directories, row.want) {
				t.Errorf("read %q, want %q", b.cloud.Directories, row.want)
			}
		})
	}
}
