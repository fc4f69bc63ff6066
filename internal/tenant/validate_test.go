package tenant_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func validDraft() tenant.Draft {
	return tenant.Draft{
		Slug:        "acme",
		DisplayName: "Acme",
		ConnectInstances: []tenant.ConnectInstance{{
			Alias:  "acme-main",
			ARN:    "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-000000000001",
			CCPURL: "https://acme.my.connect.aws/ccp-v2/",
		}},
		Settings: tenant.DefaultSettings(),
	}
}

func TestCheckNormalises(t *testing.T) {
	t.Parallel()
	draft := validDraft()
	draft.DisplayName = "  Acme  "
	draft.Settings.SoftphoneOrigins = []string{"HTTPS://Desk.Acme.Example:443", "https://desk.acme.example/"}
	got, err := draft.Check()
	if err != nil {
		t.Fatal(err)
	}
	if got.DisplayName != "Acme" || got.Isolation != tenant.Pooled || got.ConnectInstances[0].Region != "eu-west-2" ||
		got.ConnectInstances[0].CCPURL != "https://acme.my.connect.aws/ccp-v2" {
		t.Errorf("not in normal form: %+v", got)
	}
	if want := []string{"https://desk.acme.example"}; !slices.Equal(got.Settings.SoftphoneOrigins, want) {
		t.Errorf("origins %v, want %v", got.Settings.SoftphoneOrigins, want)
	}
}

// Each row makes one member wrong and names the code and the pointer that the caller gets.
func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	second := func(d *tenant.Draft) *tenant.ConnectInstance {
		other := d.ConnectInstances[0]
		d.ConnectInstances = append(d.ConnectInstances, other)
		return &d.ConnectInstances[1]
	}
	for _, c := range []struct {
		name, code, pointer string
		spoil               func(*tenant.Draft)
	}{
		{"slug with hyphen", "tenant.slug_invalid", "/slug", func(d *tenant.Draft) { d.Slug = "acme-eu" }},
		{"slug reserved", "tenant.slug_reserved", "/slug", func(d *tenant.Draft) { d.Slug = "kibana" }},
		{"no name", "tenant.display_name_invalid", "/display_name", func(d *tenant.Draft) { d.DisplayName = " " }},
		{"long name", "tenant.display_name_invalid", "/display_name", func(d *tenant.Draft) { d.DisplayName = strings.Repeat("ä", 101) }},
		{"line feed in name", "tenant.display_name_invalid", "/display_name", func(d *tenant.Draft) { d.DisplayName = "a\nb" }},
		{"isolation", "tenant.isolation_invalid", "/isolation", func(d *tenant.Draft) { d.Isolation = "shared" }},
		{"no instance", "connect_instance.missing", "/connect_instances", func(d *tenant.Draft) { d.ConnectInstances = nil }},
		{"alias", "connect_instance.alias_invalid", "/connect_instances/0/alias", func(d *tenant.Draft) { d.ConnectInstances[0].Alias = "a b" }},
		{"ARN of another service", "connect_instance.arn_invalid", "/connect_instances/0/arn",
			func(d *tenant.Draft) { d.ConnectInstances[0].ARN = "arn:aws:s3:::acme" }},
		{"region differs", "connect_instance.region_differs", "/connect_instances/0/region",
			func(d *tenant.Draft) { d.ConnectInstances[0].Region = "us-east-1" }},
		{"CCP elsewhere", "connect_instance.ccp_url_invalid", "/connect_instances/0/ccp_url",
			func(d *tenant.Draft) { d.ConnectInstances[0].CCPURL = "https://evil.example/ccp-v2" }},
		{"SAML over http", "connect_instance.saml_url_invalid", "/connect_instances/0/saml_url",
			func(d *tenant.Draft) { d.ConnectInstances[0].SAMLURL = "http://idp.example" }},
		{"role elsewhere", "connect_instance.directory_role_elsewhere", "/connect_instances/0/directory_role_arn",
			func(d *tenant.Draft) { d.ConnectInstances[0].DirectoryRoleARN = "arn:aws:iam::999999999999:role/r" }},
		{"role", "connect_instance.directory_role_invalid", "/connect_instances/0/directory_role_arn",
			func(d *tenant.Draft) { d.ConnectInstances[0].DirectoryRoleARN = "role" }},
		{"alias twice", "connect_instance.alias_repeated", "/connect_instances/1/alias", func(d *tenant.Draft) {
			second(d).ARN = "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-000000000002"
		}},
		{"instance twice", "connect_instance.arn_repeated", "/connect_instances/1/arn", func(d *tenant.Draft) { second(d).Alias = "other" }},
		{"privacy", "settings.privacy_invalid", "/settings/privacy/ip", func(d *tenant.Draft) { d.Settings.Privacy.IP = "some" }},
		{"media owner", "settings.media_owner_invalid", "/settings/media_owner", func(d *tenant.Draft) { d.Settings.MediaOwner = "me" }},
		{"retention", "settings.out_of_range", "/settings/retention_days", func(d *tenant.Draft) { d.Settings.RetentionDays = 0 }},
		{"origin", "settings.origin_invalid", "/settings/softphone_origins/0",
			func(d *tenant.Draft) { d.Settings.SoftphoneOrigins = []string{"https://*.example"} }},
		{"CCP host", "settings.ccp_host_invalid", "/settings/ccp_hosts/0", func(d *tenant.Draft) { d.Settings.CCPHosts = []string{"a/b"} }},
		{"many origins", "tenant.too_many", "/settings/softphone_origins", func(d *tenant.Draft) {
			d.Settings.SoftphoneOrigins = slices.Repeat([]string{"https://a.example"}, 51)
		}},
		{"period", "settings.index_period_invalid", "/settings/index_period/apimetric", func(d *tenant.Draft) {
			d.Settings.IndexPeriod["apimetric"] = []tenant.PeriodFrom{{Period: "hour"}}
		}},
		{"period that begins late", "settings.index_period_invalid", "/settings/index_period/apimetric", func(d *tenant.Draft) {
			d.Settings.IndexPeriod["apimetric"] = []tenant.PeriodFrom{{ValidFrom: time.Unix(1, 0), Period: tenant.Day}}
		}},
		{"unknown kind", "settings.index_period_invalid", "/settings/index_period/calls", func(d *tenant.Draft) {
			d.Settings.IndexPeriod["calls"] = []tenant.PeriodFrom{{Period: tenant.Day}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			draft := validDraft()
			c.spoil(&draft)
			_, err := draft.Check()
			f, ok := fault.As(err)
			if !ok || f.Code != c.code || len(f.Fields) != 1 || f.Fields[0].Pointer != c.pointer {
				t.Errorf("got %+v, want %s at %s", err, c.code, c.pointer)
			}
		})
	}
}

func TestCheckNamesAllThatIsWrong(t *testing.T) {
	t.Parallel()
	draft := validDraft()
	draft.Slug, draft.DisplayName = "A", ""
	_, err := draft.Check()
	f, _ := fault.As(err)
	if !errors.Is(err, tenant.ErrInvalid) || len(f.Fields) != 2 {
		t.Errorf("got %+v, want both members under %s", err, tenant.ErrInvalid.Code)
	}
}
