package tenant

import (
	"net/url"
	"slices"
	"strings"

	"github.com/earshot-hq/earshot/internal/fault"
)

// An InstancesChange is what is to be different of a tenant's Connect instances: at most one of its members is set.
type InstancesChange struct {
	Add    *ConnectInstance `json:"add,omitempty"`
	Change *InstanceChange  `json:"change,omitempty"`
	Remove string           `json:"remove,omitempty"` // an alias
}

// An InstanceChange is what is to be different of one Connect instance. What is nil stays; an empty text removes what is
// optional. An instance of another ARN is another instance.
type InstanceChange struct {
	Alias            string  `json:"alias"`
	CCPURL           *string `json:"ccp_url,omitempty"`
	SAMLURL          *string `json:"saml_url,omitempty"`
	DirectoryRoleARN *string `json:"directory_role_arn,omitempty"`
}

// The faults of changes to Connect instances.
var (
	ErrInstanceNotFound = fault.New(fault.NotFound, "connect_instance.not_found", "The tenant has no Connect instance of this alias.")
	ErrLastInstance     = fault.New(fault.Conflict, "connect_instance.last", "A tenant keeps at least one Connect instance: add another first, or off-board the tenant.")
)

// Instance returns the Connect instance of an alias, or ErrInstanceNotFound.
func (t Tenant) Instance(alias string) (ConnectInstance, error) {
	for _, c := range t.ConnectInstances {
		if c.Alias == alias {
			return c, nil
		}
	}
	return ConnectInstance{}, ErrInstanceNotFound
}

// Check refuses a change of instances that does not suit the tenant as it is. Apply does not ask again: a stack may have had
// the change for a while when its operation finds out.
func (c InstancesChange) Check(t Tenant) error {
	switch {
	case c.Add != nil:
		alias, w := strings.ToLower(strings.TrimSpace(c.Add.Alias)), &wrongs{}
		for _, has := range t.ConnectInstances {
			if has.Alias == alias {
				w.add("/alias", errAliasRepeated)
			}
			if has.ARN == c.Add.ARN {
				w.add("/arn", errARNRepeated)
			}
		}
		return w.err()
	case c.Change != nil:
		_, err := t.Instance(c.Change.Alias)
		return err
	case c.Remove != "":
		if _, err := t.Instance(c.Remove); err != nil {
			return err
		}
		if len(t.ConnectInstances) == 1 {
			return ErrLastInstance
		}
	}
	return nil
}

// Lets returns the alias of the Connect instance whose directory a change lets be read, or lets be read by another role; empty:
// none.
func (c InstancesChange) Lets() string {
	switch {
	case c.Add != nil && c.Add.DirectoryRoleARN != "":
		return c.Add.Alias
	case c.Change != nil && c.Change.DirectoryRoleARN != nil && *c.Change.DirectoryRoleARN != "":
		return c.Change.Alias
	}
	return ""
}

// apply changes t's instances, which stay as they are where t came from. It may be done again with the same outcome.
func (c InstancesChange) apply(w *wrongs, t *Tenant) {
	if c == (InstancesChange{}) {
		return
	}
	list := slices.Clone(t.ConnectInstances)
	isNamed := func(alias string) func(ConnectInstance) bool {
		return func(i ConnectInstance) bool { return i.Alias == alias }
	}
	switch {
	case c.Add != nil:
		added := *c.Add
		added.check(w, "", t.Settings.CCPHosts)
		if at := slices.IndexFunc(list, isNamed(added.Alias)); at >= 0 {
			list[at] = added
		} else {
			list = append(list, added)
		}
	case c.Change != nil:
		if at := slices.IndexFunc(list, isNamed(c.Change.Alias)); at >= 0 {
			set(&list[at].CCPURL, c.Change.CCPURL)
			set(&list[at].SAMLURL, c.Change.SAMLURL)
			set(&list[at].DirectoryRoleARN, c.Change.DirectoryRoleARN)
			list[at].check(w, "", t.Settings.CCPHosts)
		}
	default:
		list = slices.DeleteFunc(list, isNamed(c.Remove))
	}
	w.atMost("", len(list), maxInstances)
	checkLength(w, "", list)
	t.ConnectInstances = list
}

// SetupURL returns the address at which the customer's CloudFormation console makes what Earshot needs there — the role that
// reads the instance's directory, and the softphone's approved origin — from the template at templateURL. It is empty while
// the tenant has no stack, or there is no template to offer.
func (t Tenant) SetupURL(c ConnectInstance, templateURL string) string {
	of := strings.Split(t.Stack.ID, ":") // arn:<partition>:cloudformation:<region>:<account>:stack/…
	arn := strings.Split(c.ARN, ":")
	if templateURL == "" || len(of) < 6 || len(arn) < 6 {
		return ""
	}
	region, console := arn[3], "console.aws.amazon.com"
	switch arn[1] {
	case "aws-cn":
		console = "console.amazonaws.cn"
	case "aws-us-gov":
		console = "console.amazonaws-us-gov.com"
	}
	query := url.Values{
		"templateURL":                 {templateURL},
		"stackName":                   {"earshot-connect-" + c.Alias},
		"param_InstanceArn":           {c.ARN},
		"param_ExternalId":            {t.ExternalID},
		"param_DirectoryPrincipalArn": {"arn:" + of[1] + ":iam::" + of[4] + ":role/" + t.Slug.DirectoryRole()},
	}
	if origin := strings.ToLower(strings.TrimSuffix(t.URLs.Softphone, "/")); strings.HasPrefix(origin, "https://") {
		query.Set("param_SoftphoneOrigin", origin)
	}
	return "https://" + region + "." + console + "/cloudformation/home?region=" + region + "#/stacks/quickcreate?" + query.Encode()
}
