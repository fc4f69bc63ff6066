// Package slug holds a tenant's name and every name that is made from it.
package slug

import (
	"strings"

	"github.com/earshot-hq/earshot/internal/fault"
)

// A Slug names a tenant. It holds no hyphen, so the pattern of one tenant never matches an index of another.
// Make one with Parse; the zero value names nobody.
type Slug string

var (
	// ErrInvalid is the fault of a name that is no slug.
	ErrInvalid = fault.New(fault.Invalid, "tenant.slug_invalid",
		"A slug has 3 to 20 lower-case letters or digits and begins with a letter; hyphens are not allowed.")
	// ErrReserved is the fault of a name that Earshot keeps for itself.
	ErrReserved = fault.New(fault.Invalid, "tenant.slug_reserved", "This slug is reserved; choose another.")

	reserved = map[string]bool{}
)

func init() {
	for _, name := range strings.Fields(`earshot admin global private security kibana kibanaserver opensearch top www
		api support portal gateway auth login status docs cdn mail static app localhost anonymous probe`) {
		reserved[name] = true
	}
}

// hasForm reports whether name matches ^[a-z][a-z0-9]{2,19}$. Every function asks it once at its cold start, where compiling
// that would take longer.
func hasForm(name string) bool {
	const letters, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"
	return len(name) >= 3 && len(name) <= 20 && strings.Contains(letters, name[:1]) && strings.Trim(name, letters+digits) == ""
}

// Parse returns name as a Slug, or ErrInvalid or ErrReserved.
func Parse(name string) (Slug, error) {
	switch {
	case !hasForm(name):
		return "", ErrInvalid
	case reserved[name]:
		return "", ErrReserved
	}
	return Slug(name), nil
}

// String returns the bare name.
func (s Slug) String() string { return string(s) }

// StackName is the tenant's CloudFormation stack.
func (s Slug) StackName() string { return "earshot-" + string(s) }

// DomainName is the search domain of a dedicated tenant's own.
func (s Slug) DomainName() string { return "earshot-" + string(s) }

// FromStackName returns the slug of a tenant's stack, and false when the name is no tenant stack's.
func FromStackName(stack string) (Slug, bool) {
	name, isOurs := strings.CutPrefix(stack, "earshot-")
	if !isOurs || !hasForm(name) || reserved[name] {
		return "", false
	}
	return Slug(name), true
}

// ResourcePrefix begins the name of every AWS resource of the tenant that carries a name of ours.
func (s Slug) ResourcePrefix() string { return "earshot-" + string(s) + "-" }

// FunctionName is one of the tenant's Lambda functions, such as "probe".
func (s Slug) FunctionName(function string) string { return s.ResourcePrefix() + function }

// SpacesFunction is the function of every cell that imports objects into spaces and exports them, and does nothing else.
const SpacesFunction = "earshotops-spaces"

// DirectoryRole is the IAM role that enters the customer's account to read agent directories.
func (s Slug) DirectoryRole() string { return s.ResourcePrefix() + "directory" }

// SecretPrefix begins the names of the tenant's secrets.
func (s Slug) SecretPrefix() string { return "earshot/" + string(s) + "/" }

// LogGroupPrefix begins the names of the log groups of the tenant's functions.
func (s Slug) LogGroupPrefix() string { return "/earshot/" + string(s) + "/" }

// WriterRole is the OpenSearch role that may add documents to the tenant's indices.
func (s Slug) WriterRole() string { return s.ResourcePrefix() + "writer" }

// ReaderRole is the OpenSearch role that may read the tenant's indices and space.
func (s Slug) ReaderRole() string { return s.ResourcePrefix() + "reader" }

// EditorRole is ReaderRole with the right to change the space.
func (s Slug) EditorRole() string { return s.ResourcePrefix() + "editor" }

// Space is the OpenSearch Dashboards security tenant of the tenant.
func (s Slug) Space() string { return string(s) }

// IndexPattern matches all indices of the tenant and no other's.
func (s Slug) IndexPattern() string { return string(s) + "-*" }

// KindPattern matches the tenant's indices of one kind of document.
func (s Slug) KindPattern(kind string) string { return string(s) + "-" + kind + "-*" }

// Index is the index of one kind of document and one period, such as "2026.q4".
func (s Slug) Index(kind, period string) string { return string(s) + "-" + kind + "-" + period }

// FromIndex returns kind and period of one of the tenant's indices, and false for a name that Index does not make.
func (s Slug) FromIndex(index string) (kind, period string, isOurs bool) {
	rest, isOurs := strings.CutPrefix(index, string(s)+"-")
	kind, period, hasBoth := strings.Cut(rest, "-")
	return kind, period, isOurs && hasBoth && kind != "" && period != "" && !strings.Contains(period, "-")
}

// IndexTemplate is the index template of one kind of document.
func (s Slug) IndexTemplate(kind string) string { return s.ResourcePrefix() + kind }
