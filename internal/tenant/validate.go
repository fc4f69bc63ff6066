package tenant

import (
	"fmt"
	"regexp"
	"strings"
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

// ErrInvalid is the fault of a draft; its fields name every wrong member with a code of its own.
var ErrInvalid = fault.New(fault.Invalid, "tenant.invalid", "Some members of the request are wrong; see errors.")

const (
	maxDisplayName = 100 // characters
	maxInstances   = 20
)

var (
	aliasForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$`)
	arnForm   = regexp.MustCompile(`^arn:(aws|aws-us-gov|aws-cn):connect:([a-z]{2}(?:-[a-z]+)+-\d):(\d{12}):instance/` +
		`([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)
	roleForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,128}$`)
)

// Check returns the draft in its normal form, or ErrInvalid naming everything that is wrong with it. A draft whose only
// fault is its slug gets the slug's own fault.
func (d Draft) Check() (Draft, error) {
	w := &wrongs{}
	if _, err := slug.Parse(d.Slug); err != nil {
		w.fault("/slug", err)
	}
	d.DisplayName = strings.TrimSpace(d.DisplayName)
	if n := utf8.RuneCountInString(d.DisplayName); n == 0 || n > maxDisplayName || !isPrintable(d.DisplayName) {
		w.add("/display_name", "tenant.display_name_invalid",
			fmt.Sprintf("Send 1 to %d printable characters.", maxDisplayName))
	}
	switch d.Isolation {
	case "":
		d.Isolation = Pooled
	case Pooled, Dedicated:
	default:
		w.add("/isolation", "tenant.isolation_invalid", "Use pooled or dedicated.")
	}
	d.Settings.check(w)
	d.checkInstances(w)
	return d, w.err()
}

func (d *Draft) checkInstances(w *wrongs) {
	if len(d.ConnectInstances) == 0 {
		w.add("/connect_instances", "connect_instance.missing", "Name at least one Connect instance.")
	}
	w.atMost("/connect_instances", len(d.ConnectInstances), maxInstances)
	aliases, arns := map[string]bool{}, map[string]bool{}
	for i := range d.ConnectInstances {
		instance := &d.ConnectInstances[i]
		at := fmt.Sprintf("/connect_instances/%d", i)
		instance.check(w, at, d.Settings.CCPHosts)
		if aliases[instance.Alias] {
			w.add(at+"/alias", "connect_instance.alias_repeated", "Give each Connect instance an alias of its own.")
		}
		if arns[instance.ARN] {
			w.add(at+"/arn", "connect_instance.arn_repeated", "Name each Connect instance once.")
		}
		aliases[instance.Alias], arns[instance.ARN] = true, true
	}
}

// check normalises the instance in place and adds what is wrong with it, with pointers under at.
func (c *ConnectInstance) check(w *wrongs, at string, ccpHosts []string) {
	c.Alias = strings.ToLower(strings.TrimSpace(c.Alias))
	if !aliasForm.MatchString(c.Alias) {
		w.add(at+"/alias", "connect_instance.alias_invalid",
			"An alias has 2 to 63 lower-case letters, digits or hyphens, and begins and ends with a letter or digit.")
	}
	arn := arnForm.FindStringSubmatch(c.ARN)
	switch {
	case arn == nil:
		w.fault(at+"/arn", ErrNotConnectARN)
	case c.Region == "":
		c.Region = arn[2]
	case c.Region != arn[2]:
		w.add(at+"/region", "connect_instance.region_differs", "The ARN names region "+arn[2]+"; send the same, or leave region out.")
	}
	normal, err := normalCCPURL(c.CCPURL, ccpHosts)
	if err != nil {
		w.add(at+"/ccp_url", "connect_instance.ccp_url_invalid", err.Error())
	} else {
		c.CCPURL = normal
	}
	if c.SAMLURL != "" && !isHTTPS(c.SAMLURL) {
		w.add(at+"/saml_url", "connect_instance.saml_url_invalid", "Send an https address, or leave saml_url out.")
	}
	if c.DirectoryRoleARN != "" && !roleForm.MatchString(c.DirectoryRoleARN) {
		w.add(at+"/directory_role_arn", "connect_instance.role_invalid", "Send the ARN of an IAM role, or leave it out.")
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

func (w *wrongs) add(pointer, code, detail string) {
	w.fields = append(w.fields, fault.Field{Pointer: pointer, Code: code, Detail: detail})
}

func (w *wrongs) fault(pointer string, err error) {
	if f, ok := fault.As(err); ok {
		w.add(pointer, f.Code, f.Detail)
	}
}

func (w *wrongs) between(pointer string, value, low, high int) {
	if value < low || value > high {
		w.add(pointer, "settings.out_of_range", fmt.Sprintf("Use a number from %d to %d.", low, high))
	}
}

func (w *wrongs) atMost(pointer string, value, most int) {
	if value > most {
		w.add(pointer, "settings.too_many", fmt.Sprintf("List at most %d.", most))
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
