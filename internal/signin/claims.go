package signin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/slug"
)

// claims are a verified token's.
type claims map[string]any

// at returns a claim by its name, or by a pointer that begins with a slash.
func (c claims) at(name string) any {
	path, isPointer := strings.CutPrefix(name, "/")
	if !isPointer {
		return c[name]
	}
	var found any = map[string]any(c)
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for part := range strings.SplitSeq(path, "/") {
		object, _ := found.(map[string]any)
		found = object[unescape.Replace(part)]
	}
	return found
}

func (c claims) text(name string) string {
	text, _ := c[name].(string)
	return text
}

// texts returns the values of a claim: a list of texts, or one text with spaces between them.
func (c claims) texts(name string) (values []string) {
	switch found := c.at(name).(type) {
	case string:
		return strings.Fields(found)
	case []any:
		for _, one := range found {
			if text, ok := one.(string); ok {
				values = append(values, text)
			}
		}
	}
	return values
}

// name is for people.
func (c claims) name() string {
	for _, claim := range []string{"username", "preferred_username", "email", "name"} {
		if text := c.text(claim); text != "" {
			return text
		}
	}
	return ""
}

// roleOf returns the highest role that the claims give.
func (c Config) roleOf(all claims) (access.Role, bool) {
	var given []access.Role
	for _, value := range all.texts(c.RoleClaim) {
		given = append(given, c.Roles[value])
	}
	for _, role := range roles {
		if slices.Contains(given, role) {
			return role, true
		}
	}
	return "", false
}

// mostTenants bounds the list of a token.
const mostTenants = 1000

// scopeOf returns which tenants the claims reach. Without the claim that says so it is none.
func (c Config) scopeOf(ctx context.Context, all claims) (access.Scope, error) {
	if c.TenantsClaim == "" {
		return access.Scope{All: true}, nil
	}
	var slugs []string
	for _, value := range all.texts(c.TenantsClaim) {
		if value == "*" {
			return access.Scope{All: true}, nil
		}
		if name, err := slug.Parse(value); err == nil && len(slugs) < mostTenants {
			slugs = append(slugs, name.String())
		}
	}
	if len(slugs) == 0 {
		return access.Scope{}, nil
	}
	ids, err := c.Tenants(ctx, slugs)
	if err != nil {
		return access.Scope{}, fmt.Errorf("find the tenants of a token: %w", err)
	}
	return access.Scope{TenantIDs: ids}, nil
}
