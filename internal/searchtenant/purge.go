package searchtenant

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/earshot-hq/earshot/internal/slug"
)

// atOnce is how many indices one request deletes: their names go into its first line.
const atOnce = 20

// makeSpace makes the security tenant of the space.
func (w *writer) makeSpace(ctx context.Context, s slug.Slug) error {
	type securityTenant struct {
		Description string `json:"description"`
	}
	return settle(ctx, w, "tenants/"+s.Space(), securityTenant{Description: "Space of tenant " + s.String()})
}

// dropSpace removes the security tenant and its saved objects.
func (w *writer) dropSpace(ctx context.Context, s slug.Slug) error {
	names, err := w.spaceIndices(ctx, s)
	if err != nil {
		return err
	}
	if err := w.dropNamed(ctx, names); err != nil {
		return err
	}
	return w.dropIfThere(ctx, security+"tenants/"+s.Space())
}

func (w *writer) dropIndices(ctx context.Context, s slug.Slug) error {
	names, err := w.dataIndices(ctx, s)
	if err != nil {
		return err
	}
	return w.dropNamed(ctx, names)
}

// dropNamed deletes indices by their full names: a pattern would be a bigger right than it looks.
func (w *writer) dropNamed(ctx context.Context, names []string) error {
	for some := range slices.Chunk(names, atOnce) {
		if err := w.drop(ctx, "/"+strings.Join(some, ",")+"?ignore_unavailable=true"); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) dropTemplates(ctx context.Context, s slug.Slug) error {
	names, err := w.templateNames(ctx, s)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := w.drop(ctx, "/_index_template/"+name); err != nil {
			return err
		}
	}
	return nil
}

// Left lists what search still holds of the tenant, in words for an admin.
func (a *Admin) Left(ctx context.Context, s slug.Slug) ([]string, error) {
	left := []string{}
	for _, list := range []struct {
		what string
		of   func(context.Context, slug.Slug) ([]string, error)
	}{
		{"index", a.dataIndices},
		{"index", a.spaceIndices},
		{"index template", a.templateNames},
		{"search access", a.accessLeft},
	} {
		names, err := list.of(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			left = append(left, list.what+" "+name)
		}
	}
	return left, nil
}

func (a *Admin) accessLeft(ctx context.Context, s slug.Slug) ([]string, error) {
	names := []string{s.WriterRole(), s.ReaderRole(), s.EditorRole()}
	objects := []string{"tenants/" + s.Space()}
	for _, name := range names {
		objects = append(objects, "roles/"+name, "rolesmapping/"+name)
		if a.options.HasUsers {
			objects = append(objects, "internalusers/"+name)
		}
	}
	var left []string
	for _, object := range objects {
		if err := a.call(ctx, http.MethodGet, security+object, nil, nil); err == nil {
			left = append(left, object)
		} else if !errors.Is(err, errAbsent) {
			return nil, err
		}
	}
	return left, nil
}

func (a *Admin) dataIndices(ctx context.Context, s slug.Slug) ([]string, error) {
	prefix := strings.TrimSuffix(s.IndexPattern(), "*")
	return a.indices(ctx, s.IndexPattern(), func(name string) bool { return strings.HasPrefix(name, prefix) })
}

// spaceIndices lists the indices of the space's saved objects: .kibana_<hash>_<slug> and what Dashboards' migrations made
// of it, .kibana_<hash>_<slug>_<n>. Another slug may have the same hash and begin alike, so the names are matched whole.
func (a *Admin) spaceIndices(ctx context.Context, s slug.Slug) ([]string, error) {
	name := ".kibana_" + strconv.Itoa(int(javaHash(s.Space()))) + "_" + s.Space()
	whole := regexp.MustCompile(`^` + regexp.QuoteMeta(name) + `(_\d+)?$`)
	return a.indices(ctx, name+"*", whole.MatchString)
}

// javaHash is Java's String.hashCode, by which the security plugin names a tenant's index.
func javaHash(s string) int32 {
	var h int32
	for _, unit := range utf16.Encode([]rune(s)) {
		h = 31*h + int32(unit)
	}
	return h
}

// indices lists the indices that match a pattern, hidden and closed ones too, and of them those that are wanted.
func (a *Admin) indices(ctx context.Context, pattern string, isWanted func(string) bool) ([]string, error) {
	var found map[string]any
	err := a.call(ctx, http.MethodGet, "/"+pattern+"/_alias?expand_wildcards=all", nil, &found)
	if err != nil && !errors.Is(err, errAbsent) {
		return nil, err
	}
	var names []string
	for name := range found {
		if isWanted(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (a *Admin) templateNames(ctx context.Context, s slug.Slug) ([]string, error) {
	var found struct {
		Templates []struct {
			Name string `json:"name"`
		} `json:"index_templates"`
	}
	err := a.call(ctx, http.MethodGet, "/_index_template/"+s.ResourcePrefix()+"*", nil, &found)
	if err != nil && !errors.Is(err, errAbsent) {
		return nil, err
	}
	var names []string
	for _, template := range found.Templates {
		if strings.HasPrefix(template.Name, s.ResourcePrefix()) {
			names = append(names, template.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}
