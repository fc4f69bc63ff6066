package searchtenant

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/earshot-hq/earshot/internal/slug"
)

// atOnce is how many indices one request deletes: their names go into its first line.
const atOnce = 20

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
