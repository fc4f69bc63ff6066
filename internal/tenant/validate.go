package tenant

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/slug"
)

// A Draft is a tenant that somebody asks for.
type Draft struct {
	Slug             string
	DisplayName      string
	Isolation        Isolation // empty: pooled
	Cell             string    // empty: placed by us
	ConnectInstances []ConnectInstance
	Settings         Settings
}

// The faults of a draft. ErrInvalid's fields name every wrong member with one of the others.
var (
	ErrInvalid = fault.New(fault.Invalid, "tenant.invalid", "Some members of the request are wrong; see errors.")

	errDisplayName = fault.New(fault.Invalid, "tenant.display_name_invalid",
		fmt.Sprintf("Send 1 to %d printable characters.", maxDisplayName))
	errIsolation     = fault.New(fault.Invalid, "tenant.isolation_invalid", "Use pooled or dedicated.")
	errNoInstance    = fault.New(fault.Invalid, "connect_instance.missing", "Name at least one Connect instance.")
	errAlias         = fault.New(fault.Invalid, "connect_instance.alias_invalid", "An alias has 2 to 63 lower-case letters, digits or hyphens, and begins and ends with a letter or digit.")
	errAliasRepeated = fault.New(fault.Invalid, "connect_instance.alias_repeated", "Give each Connect instance an alias of its own.")
	errARNRepeated   = fault.New(fault.Invalid, "connect_instance.arn_repeated", "Name each Connect instance once.")
	errRegion        = fault.New(fault.Invalid, "connect_instance.region_differs", "Send the region that the ARN names, or leave region out.")
	errCCPURL        = fault.New(fault.Invalid, "connect_instance.ccp_url_invalid", "Send the address of the Contact Control Panel: https://<alias>.my.connect.aws/ccp-v2.")
	errSAMLURL       = fault.New(fault.Invalid, "connect_instance.saml_url_invalid", "Send an https address, or leave saml_url out.")
	errDirectoryRole = fault.New(fault.Invalid, "connect_instance.directory_role_invalid", "Send the ARN of an IAM role, or leave directory_role_arn out.")
	errRoleElsewhere = fault.New(fault.Invalid, "connect_instance.directory_role_elsewhere", "Send the ARN of a role in the account of the Connect instance: no other can read it.")
	errListTooLong   = fault.New(fault.Invalid, "connect_instance.list_too_long", "Together the Connect instances take more than a stack's parameter holds; use shorter addresses and role names, or fewer instances.")
	errTooMany       = fault.New(fault.Invalid, "tenant.too_many", "The list is too long.")
)

const (
	maxDisplayName = 100 // characters
	maxInstances   = 20
	// maxListBytes is for what a stack's parameter, and with it a function's whole environment, holds of 4,096 (aws.md 4.1, 8.1).
	maxListBytes = 3200
)

var (
	aliasForm = form(`^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$`)
	arnForm   = form(`^arn:(aws|aws-us-gov|aws-cn):connect:([a-z]{2}(?:-[a-z]+)+-\d):(\d{12}):instance/` +
		`([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)
	roleForm = form(`^arn:aws[a-z-]*:iam::(\d{12}):role/[\w+=,.@/-]{1,128}$`)
)

// form compiles a regular expression when it is first asked for: pushers have this package too, and their cold start would
// wait for what they never ask.
func form(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// Check returns the draft in its normal form, or a fault that names everything that is wrong with it: ErrInvalid, or,
// where only one member is wrong, that member's own.
func (d Draft) Check() (Draft, error) {
	w := &wrongs{}
	if _, err := slug.Parse(d.Slug); err != nil {
		f, _ := fault.As(err)
		w.add("/slug", f)
	}
	checkDisplayName(w, &d.DisplayName)
	switch d.Isolation {
	case "":
		d.Isolation = Pooled
	case Pooled, Dedicated:
	default:
		w.add("/isolation", errIsolation)
	}
	d.Settings.check(w)
	d.checkInstances(w)
	return d, w.err()
}

func (d *Draft) checkInstances(w *wrongs) {
	if len(d.ConnectInstances) == 0 {
		w.add("/connect_instances", errNoInstance)
	}
	w.atMost("/connect_instances", len(d.ConnectInstances), maxInstances)
	aliases, arns := map[string]bool{}, map[string]bool{}
	for i := range d.ConnectInstances {
		instance := &d.ConnectInstances[i]
		at := fmt.Sprintf("/connect_instances/%d", i)
		instance.check(w, at, d.Settings.CCPHosts)
		if aliases[instance.Alias] {
			w.add(at+"/alias", errAliasRepeated)
		}
		if arns[instance.ARN] {
			w.add(at+"/arn", errARNRepeated)
		}
		aliases[instance.Alias], arns[instance.ARN] = true, true
	}
	checkLength(w, "/connect_instances", d.ConnectInstances)
}

// checkLength bounds the two lists that the stack has of instances: that of their addresses and that of their directories.
func checkLength(w *wrongs, at string, instances []ConnectInstance) {
	const members = 50 // bytes of names, quotes and commas for each
	addresses, directories := 0, 0
	for _, c := range instances {
		addresses += len(c.Alias) + len(c.Region) + len(c.CCPURL) + len(c.SAMLURL) + members
		if c.DirectoryRoleARN != "" {
			directories += len(c.Alias) + len(c.ARN) + len(c.DirectoryRoleARN) + members
		}
	}
	if max(addresses, directories) > maxListBytes {
		w.add(at, errListTooLong)
	}
}

// check normalises the instance in place and adds what is wrong with it, with pointers under at.
func (c *ConnectInstance) check(w *wrongs, at string, ccpHosts []string) {
	c.Alias = strings.ToLower(strings.TrimSpace(c.Alias))
	if !aliasForm().MatchString(c.Alias) {
		w.add(at+"/alias", errAlias)
	}
	arn := arnForm().FindStringSubmatch(c.ARN)
	switch {
	case arn == nil:
		w.add(at+"/arn", ErrNotConnectARN)
	case c.Region == "":
		c.Region = arn[2]
	case c.Region != arn[2]:
		w.add(at+"/region", errRegion.With("The ARN names region "+arn[2]+"; send the same, or leave region out."))
	}
	normal, err := normalCCPURL(c.CCPURL, ccpHosts)
	if err != nil {
		w.add(at+"/ccp_url", errCCPURL.With(err.Error()))
	} else {
		c.CCPURL = normal
	}
	if c.SAMLURL != "" && !isHTTPS(c.SAMLURL) {
		w.add(at+"/saml_url", errSAMLURL)
	}
	role := roleForm().FindStringSubmatch(c.DirectoryRoleARN)
	switch {
	case c.DirectoryRoleARN == "":
	case role == nil:
		w.add(at+"/directory_role_arn", errDirectoryRole)
	case arn != nil && role[1] != arn[3]:
		w.add(at+"/directory_role_arn", errRoleElsewhere)
	}
}

// checkDisplayName normalises the name in place.
func checkDisplayName(w *wrongs, name *string) {
	*name = strings.TrimSpace(*name)
	if n := utf8.RuneCountInString(*name); n == 0 || n > maxDisplayName || !isPrintable(*name) {
		w.add("/display_name", errDisplayName)
	}
}

func isPrintable(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}

// wrongs collects what is wrong with a request.
type wrongs struct{ fields []fault.Field }

func (w *wrongs) add(pointer string, f *fault.Fault) {
	w.fields = append(w.fields, fault.Field{Pointer: pointer, Code: f.Code, Detail: f.Detail})
}

func (w *wrongs) between(pointer string, value, low, high int) {
	if value < low || value > high {
		w.add(pointer, errOutOfRange.With(fmt.Sprintf("Use a number from %d to %d.", low, high)))
	}
}

func (w *wrongs) atMost(pointer string, value, most int) {
	if value > most {
		w.add(pointer, errTooMany.With(fmt.Sprintf("List at most %d.", most)))
	}
}

func (w *wrongs) err() error {
	if len(w.fields) == 0 {
		return nil
	}
	invalid := *ErrInvalid
	invalid.Fields = w.fields
	if len(w.fields) == 1 {
		invalid.Code, invalid.Detail = w.fields[0].Code, w.fields[0].Detail
	}
	return &invalid
}
