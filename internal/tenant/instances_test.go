package tenant_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func instance(alias string, n int) tenant.ConnectInstance {
	return tenant.ConnectInstance{
		Alias: alias, ARN: fmt.Sprintf("arn:aws:connect:eu-west-2:111122223333:instance/00000000-0000-4000-8000-%012d", n), Region: "eu-west-2",
		CCPURL: "https://" + alias + ".my.connect.aws/ccp-v2",
	}
}

func withInstances(list ...tenant.ConnectInstance) tenant.Tenant {
	return tenant.Tenant{Slug: "acme", DisplayName: "Acme", Settings: tenant.DefaultSettings(), ConnectInstances: list}
}

const role = "arn:aws:iam::111122223333:role/earshot-connect"

func TestInstancesChange(t *testing.T) {
	t.Parallel()
	before := withInstances(instance("main", 1), instance("leeds", 2))
	added, withRole := instance("porto", 3), instance("leeds", 2)
	withRole.DirectoryRoleARN = role
	rows := map[string]struct {
		change tenant.InstancesChange
		code   string
		want   []tenant.ConnectInstance
	}{
		"add":                   {tenant.InstancesChange{Add: &added}, "", []tenant.ConnectInstance{before.ConnectInstances[0], before.ConnectInstances[1], added}},
		"change":                {tenant.InstancesChange{Change: &tenant.InstanceChange{Alias: "leeds", DirectoryRoleARN: new(role)}}, "", []tenant.ConnectInstance{before.ConnectInstances[0], withRole}},
		"remove":                {tenant.InstancesChange{Remove: "main"}, "", before.ConnectInstances[1:]},
		"an alias again":        {tenant.InstancesChange{Add: new(instance("leeds", 3))}, "connect_instance.alias_repeated", nil},
		"an alias again, upper": {tenant.InstancesChange{Add: new(instance(" LEEDS", 3))}, "connect_instance.alias_repeated", nil},
		"an ARN again":          {tenant.InstancesChange{Add: new(instance("porto", 2))}, "connect_instance.arn_repeated", nil},
		"a bad ARN":             {tenant.InstancesChange{Add: &tenant.ConnectInstance{Alias: "porto", ARN: "arn", CCPURL: added.CCPURL}}, "connect_instance.arn_invalid", nil},
		"change of none":        {tenant.InstancesChange{Change: &tenant.InstanceChange{Alias: "porto"}}, "connect_instance.not_found", nil},
		"a bad address":         {tenant.InstancesChange{Change: &tenant.InstanceChange{Alias: "main", CCPURL: new("https://evil.example/ccp-v2")}}, "connect_instance.ccp_url_invalid", nil},
		"a bad role":            {tenant.InstancesChange{Change: &tenant.InstanceChange{Alias: "main", DirectoryRoleARN: new("role")}}, "connect_instance.directory_role_invalid", nil},
		"a role elsewhere":      {tenant.InstancesChange{Change: &tenant.InstanceChange{Alias: "main", DirectoryRoleARN: new("arn:aws:iam::999999999999:role/r")}}, "connect_instance.directory_role_elsewhere", nil},
		"removal of none":       {tenant.InstancesChange{Remove: "porto"}, "connect_instance.not_found", nil},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := row.change.Check(before)
			var after tenant.Tenant
			if err == nil {
				after, err = tenant.Change{ConnectInstances: row.change}.Apply(before, time.Now())
			}
			if f, _ := fault.As(err); row.code != "" && (f == nil || f.Code != row.code) || row.code == "" && err != nil {
				t.Fatalf("%v, want %q", err, row.code)
			}
			if row.code != "" {
				return
			}
			again, err := tenant.Change{ConnectInstances: row.change}.Apply(after, time.Now())
			if err != nil || fmt.Sprint(after.ConnectInstances) != fmt.Sprint(row.want) || fmt.Sprint(again.ConnectInstances) != fmt.Sprint(row.want) {
				t.Errorf("%v, again %v, want %v (%v)", after.ConnectInstances, again.ConnectInstances, row.want, err)
			}
			if len(before.ConnectInstances) != 2 || before.ConnectInstances[1].DirectoryRoleARN != "" {
				t.Error("the tenant from before was changed")
			}
		})
	}
	if err := (tenant.InstancesChange{Remove: "main"}).Check(withInstances(instance("main", 1))); !errors.Is(err, tenant.ErrLastInstance) {
		t.Errorf("removal of the last: %v", err)
	}
}

// What a stack's parameter cannot hold is refused before a stack is asked.
func TestInstancesFitIntoAParameter(t *testing.T) {
	t.Parallel()
	long := "arn:aws:iam::111122223333:role/" + strings.Repeat("r", 100)
	tn := withInstances(instance("main", 0))
	for n := 1; ; n++ {
		added := instance(fmt.Sprint("instance", n), n)
		added.DirectoryRoleARN = long
		next, err := tenant.Change{ConnectInstances: tenant.InstancesChange{Add: &added}}.Apply(tn, time.Now())
		if err != nil {
			if f, _ := fault.As(err); f.Code != "connect_instance.list_too_long" || n < 8 {
				t.Errorf("instance %d: %v", n, err)
			}
			return
		}
		tn = next
	}
}

func TestSetupURL(t *testing.T) {
	t.Parallel()
	const template = "https://earshot-public.s3.eu-central-1.amazonaws.com/customer-connect.yaml"
	tn := withInstances(instance("main", 1))
	tn.ExternalID = "KDPQ3MSEKDPQ3MSEKDPQ3MSEKD"
	if got := tn.SetupURL(tn.ConnectInstances[0], template); got != "" {
		t.Errorf("without a stack: %s", got)
	}
	tn.Stack.ID = "arn:aws:cloudformation:eu-central-1:444455556666:stack/earshot-acme/0"
	tn.URLs.Softphone = "https://E1ABC.cloudfront.net/"
	if got := tn.SetupURL(tn.ConnectInstances[0], ""); got != "" {
		t.Errorf("without a template: %s", got)
	}
	got := tn.SetupURL(tn.ConnectInstances[0], template)
	const begin = "https://eu-west-2.console.aws.amazon.com/cloudformation/home?region=eu-west-2#/stacks/quickcreate?"
	query, err := url.ParseQuery(strings.TrimPrefix(got, begin))
	if err != nil || !strings.HasPrefix(got, begin) {
		t.Fatalf("%s: %v", got, err)
	}
	for name, want := range map[string]string{
		"templateURL": template, "stackName": "earshot-connect-main", "param_InstanceArn": tn.ConnectInstances[0].ARN,
		"param_ExternalId": tn.ExternalID, "param_DirectoryPrincipalArn": "arn:aws:iam::444455556666:role/earshot-acme-directory",
		"param_SoftphoneOrigin": "https://e1abc.cloudfront.net",
	} {
		if query.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, query.Get(name), want)
		}
	}
	tn.URLs.Softphone = "http://e1abc.cloudfront.localhost:4566/"
	if got := tn.SetupURL(tn.ConnectInstances[0], template); strings.Contains(got, "SoftphoneOrigin") {
		t.Errorf("Connect takes no http: %s", got)
	}
}
