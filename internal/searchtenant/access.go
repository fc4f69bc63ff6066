package searchtenant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/earshot-hq/earshot/internal/slug"
)

const security = "/_plugins/_security/api/"

// mapping says who has the role of the same name.
type mapping struct {
	Users        []string `json:"users"`
	BackendRoles []string `json:"backend_roles"`
	Hosts        []string `json:"hosts"`
	AndBackend   []string `json:"and_backend_roles,omitempty"`
}

// user is an internal user. Search never shows a hash, so a fingerprint of the secret beside it says whether it is current.
type user struct {
	Hash          string            `json:"hash,omitempty"`
	BackendRoles  []string          `json:"backend_roles"`
	SecurityRoles []string          `json:"opendistro_security_roles"`
	Attributes    map[string]string `json:"attributes"`
}

const (
	stackMark       = "stack " // begins a role's description; the stack's id follows
	fingerprintName = "secret_fingerprint"

	// hashCost is bcrypt's least: each write of the security configuration empties the sign-in cache, and then every request
	// pays for the hash again. The secrets are long and random, so a slow hash would protect nothing.
	hashCost = bcrypt.MinCost
)

// grantee is one role and who gets it.
type grantee struct {
	name string
	role role
	who  Identity
	// asked are backend roles that the gateway may ask for through Dashboards, where the cluster keeps users: its own users have none,
	// and whoever else could bear one is believed by the cluster's proxy domain.
	asked []string
}

// grantees lists the roles of a grant. The writer comes first: its description says whose stack has the tenant.
func (g Grant) grantees() []grantee {
	list := []grantee{
		{g.Slug.WriterRole(), writerRole(g.Slug), g.Writer, nil},
		{g.Slug.ReaderRole(), readerRole(g.Slug), g.Reader, []string{g.Slug.ReaderRole()}},
		{g.Slug.EditorRole(), editorRole(g.Slug), g.Editor, []string{g.Slug.EditorRole()}},
	}
	for i := range list {
		list[i].role.Description = stackMark + g.StackID
	}
	return list
}

// check refuses a grant that would reach other users than the tenant's own.
func (g Grant) check(hasUsers bool) error {
	if _, err := slug.Parse(g.Slug.String()); err != nil {
		return fmt.Errorf("grant of search: %w", err)
	}
	for _, to := range g.grantees() {
		switch {
		case to.who.Username != "" && !hasUsers:
			return fmt.Errorf("grant of %s: the cluster keeps no users", to.name)
		case to.who.Username != "" && to.who.Username != to.name:
			return fmt.Errorf("grant of %s: the secret is another user's", to.name)
		case !hasUsers && !strings.HasPrefix(to.who.Principal, "arn:"):
			return fmt.Errorf("grant of %s: no IAM role is named", to.name)
		}
	}
	return nil
}

// grant makes roles, users and mappings what g says.
func (w *writer) grant(ctx context.Context, g Grant) error {
	for _, to := range g.grantees() {
		if err := settle(ctx, w, "roles/"+to.name, to.role); err != nil {
			return err
		}
	}
	for _, to := range g.grantees() {
		if err := w.putUser(ctx, to); err != nil {
			return err
		}
		if err := w.putMapping(ctx, to); err != nil {
			return err
		}
	}
	return nil
}

// putUser makes the role's user. A user whose secret is known to be current is not written.
func (w *writer) putUser(ctx context.Context, to grantee) error {
	if !w.options.HasUsers {
		return nil
	}
	path := security + "internalusers/" + to.name
	if to.who.Username == "" {
		return w.dropIfThere(ctx, path)
	}
	wanted := user{
		BackendRoles: []string{}, SecurityRoles: []string{},
		Attributes: map[string]string{fingerprintName: fingerprint(to.who)},
	}
	if found, err := read[user](ctx, w.Admin, path, to.name); err != nil || found != nil && isSame(*found, wanted) {
		return err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(to.who.Password), hashCost)
	if err != nil {
		return fmt.Errorf("hash the secret of %s: %w", to.name, err)
	}
	wanted.Hash = string(hash)
	return w.change(ctx, http.MethodPut, path, wanted)
}

// putMapping gives the role to its user, or to its IAM role, and to nobody else.
func (w *writer) putMapping(ctx context.Context, to grantee) error {
	wanted := mapping{Users: []string{}, BackendRoles: []string{}, Hosts: []string{}}
	switch {
	case to.who.Username != "":
		wanted.Users = append(wanted.Users, to.who.Username)
		wanted.BackendRoles = append(wanted.BackendRoles, to.asked...)
	case !w.options.HasUsers:
		wanted.BackendRoles = append(wanted.BackendRoles, to.who.Principal)
	case len(to.asked) > 0:
		wanted.BackendRoles = append(wanted.BackendRoles, to.asked...)
	default:
		return w.dropIfThere(ctx, security+"rolesmapping/"+to.name)
	}
	return settle(ctx, w, "rolesmapping/"+to.name, wanted)
}

// revoke removes mappings and users, then the roles: the writer's last, since it says whose stack has the tenant.
func (w *writer) revoke(ctx context.Context, s slug.Slug) error {
	names := []string{s.EditorRole(), s.ReaderRole(), s.WriterRole()}
	kinds := []string{"rolesmapping/", "internalusers/", "roles/"}
	if !w.options.HasUsers {
		kinds = []string{"rolesmapping/", "roles/"}
	}
	for _, kind := range kinds {
		for _, name := range names {
			if err := w.dropIfThere(ctx, security+kind+name); err != nil {
				return err
			}
		}
	}
	return nil
}

// owner returns the id of the stack that was granted access last, or nothing.
func (a *Admin) owner(ctx context.Context, s slug.Slug) (string, error) {
	found, err := read[role](ctx, a, security+"roles/"+s.WriterRole(), s.WriterRole())
	if err != nil || found == nil {
		return "", err
	}
	return strings.TrimPrefix(found.Description, stackMark), nil
}

// settle writes an object of the security API unless it is as wanted already.
func settle[T any](ctx context.Context, w *writer, object string, wanted T) error {
	_, name, _ := strings.Cut(object, "/")
	found, err := read[T](ctx, w.Admin, security+object, name)
	if err != nil || found != nil && isSame(*found, wanted) {
		return err
	}
	return w.change(ctx, http.MethodPut, security+object, wanted)
}

// read returns the object of this name, nil when there is none.
func read[T any](ctx context.Context, a *Admin, path, name string) (*T, error) {
	var found map[string]T
	if err := a.call(ctx, http.MethodGet, path, nil, &found); errors.Is(err, errAbsent) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	one, isThere := found[name]
	if !isThere {
		return nil, fmt.Errorf("GET %s: the answer does not hold %s", path, name)
	}
	return &one, nil
}

// dropIfThere looks before it deletes: a delete of nothing would empty the caches too.
func (w *writer) dropIfThere(ctx context.Context, path string) error {
	if err := w.call(ctx, http.MethodGet, path, nil, nil); errors.Is(err, errAbsent) {
		return nil
	} else if err != nil {
		return err
	}
	return w.drop(ctx, path)
}

func fingerprint(who Identity) string {
	sum := sha256.Sum256([]byte(who.Username + "\x00" + who.Password))
	return hex.EncodeToString(sum[:])
}
