package searchtenant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/earshot-hq/earshot/internal/exports"
	"github.com/earshot-hq/earshot/internal/savedobjects"
	"github.com/earshot-hq/earshot/internal/slug"
)

// An ImportRequest is a file of objects for a space, and how it is taken.
type ImportRequest struct {
	File      []byte
	Overwrite bool // objects that are there and are others
	Template  bool // the objects are managed from now on, in the place of those that were so before
}

// An ImportResult says what became of each object, by its key. With conflicts nothing was written.
type ImportResult struct {
	Created   []string             `json:"created"`
	Updated   []string             `json:"updated"`
	Unchanged []string             `json:"unchanged"`
	Conflicts []string             `json:"conflicts"`
	Notes     []exports.Note       `json:"notes"`
	Space     *savedobjects.Report `json:"space,omitempty"` // of the managed objects, when it was asked for to manage these
}

// Import writes somebody's objects into the tenant's space: all of them, or none. Then the error is an *exports.Refused, or there
// are conflicts, or what had been written before a failure was taken back. The tenant must have been granted access: otherwise the
// error is ErrNoTenant.
func (a *Admin) Import(ctx context.Context, s slug.Slug, r ImportRequest) (ImportResult, error) {
	export, err := exports.Read(r.File)
	if err != nil {
		return ImportResult{}, err
	}
	var result ImportResult
	err = a.inSpace(ctx, s, func(ctx context.Context, w *writer) error {
		if err := w.openSpace(ctx, s); err != nil {
			return err
		}
		return w.untilQuiet(ctx, s, func() error {
			var err error
			result, err = w.importOnce(ctx, s, export, r)
			return err
		})
	})
	return result, err
}

// inSpace runs do on a tenant that is there, under the lock of its space.
func (a *Admin) inSpace(ctx context.Context, s slug.Slug, do func(context.Context, *writer) error) error {
	return a.locked(ctx, spaceLock(s), func(ctx context.Context, w *writer) error {
		owner, err := w.owner(ctx, s)
		if err != nil {
			return err
		}
		if owner == "" {
			return ErrNoTenant
		}
		return do(ctx, w)
	})
}

// untilQuiet tries again what a person in Dashboards was faster than.
func (w *writer) untilQuiet(ctx context.Context, s slug.Slug, do func() error) error {
	for try := range provisionTries {
		err := do()
		if !errors.Is(err, errBusySpace) {
			return err
		}
		if err := w.pause(ctx, try); err != nil {
			return err
		}
	}
	return fmt.Errorf("space %s: %w", s, errBusySpace)
}

// importOnce plans, writes, and reads back. Its error is errBusySpace when an object changed since it was read.
func (w *writer) importOnce(ctx context.Context, s slug.Slug, export exports.Export, r ImportRequest) (ImportResult, error) {
	known, err := w.known(ctx, s, r.Template)
	if err != nil {
		return ImportResult{}, err
	}
	templates, notes, err := export.Templates(exports.Options{Own: s, Known: func(key string) bool { return known[key] }})
	if err != nil {
		return ImportResult{}, err
	}
	objects := make([]savedobjects.Object, len(templates))
	keys := make([]string, len(templates))
	for i, template := range templates {
		objects[i], keys[i] = template.For(s), template.Key()
	}
	at := map[string]position{}
	found, err := w.readObjects(ctx, s, keys, at)
	if err != nil {
		return ImportResult{}, err
	}
	plan := savedobjects.Space{Found: found}.Import(objects, r.Overwrite)
	result := ImportResult{
		Created: plan.Created, Updated: plan.Updated, Unchanged: plan.Unchanged, Conflicts: plan.Conflicts, Notes: append([]exports.Note{}, notes...),
	}
	if len(plan.Conflicts) > 0 {
		result.Created, result.Updated = []string{}, []string{}
		return result, nil
	}
	put := plan.Put
	if r.Template {
		record, err := w.ownRecord(ctx, s, templates, at)
		if err != nil {
			return ImportResult{}, err
		}
		put = append(put, record...)
	}
	if err := w.writeWhole(ctx, s, put, at); err != nil || !r.Template {
		return result, err
	}
	result.Space, err = w.manage(ctx, s)
	return result, err
}

// known are the keys of objects to which an import may refer: those of the space, or for templates those of templates.
func (w *writer) known(ctx context.Context, s slug.Slug, areTemplates bool) (map[string]bool, error) {
	keys := map[string]bool{}
	objects, err := builtIn()
	if err == nil && !areTemplates {
		objects, err = w.allObjects(ctx, s)
	}
	for _, o := range objects {
		keys[o.Key()] = true
	}
	return keys, err
}

// ownRecord returns the record that makes templates the tenant's own, in the place of those that it had, unless the space has it.
func (w *writer) ownRecord(ctx context.Context, s slug.Slug, templates []savedobjects.Object, at map[string]position) ([]savedobjects.Object, error) {
	record, err := savedobjects.OwnRecord(templates)
	if err != nil {
		return nil, err
	}
	before, err := w.readObjects(ctx, s, []string{savedobjects.OwnKey}, at)
	if err != nil || before[savedobjects.OwnKey].Whole() == record.Whole() {
		return nil, err
	}
	return []savedobjects.Object{record}, nil
}

// manage provisions the space with the tenant's own templates. What it fails at the next upgrade does.
func (w *writer) manage(ctx context.Context, s slug.Slug) (*savedobjects.Report, error) {
	wanted, err := w.wanted(ctx, s)
	if err != nil {
		return nil, err
	}
	var report savedobjects.Report
	err = w.untilQuiet(ctx, s, func() error {
		report, err = w.provisionOnce(ctx, s, wanted, false)
		return err
	})
	return &report, err
}

// wanted are the objects that a tenant's space is to have: our templates, and those that are its own. A record of those that
// somebody has spoilt is left alone, and counts for nothing.
func (a *Admin) wanted(ctx context.Context, s slug.Slug) ([]savedobjects.Object, error) {
	templates, err := builtIn()
	if err != nil {
		return nil, fmt.Errorf("templates of spaces: %w", err)
	}
	records, err := a.readObjects(ctx, s, []string{savedobjects.OwnKey}, map[string]position{})
	if err != nil {
		return nil, err
	}
	if record, hasOwn := records[savedobjects.OwnKey]; hasOwn {
		own, err := savedobjects.OwnFrom(record)
		if err == nil {
			own = savedobjects.Merged(templates, own)
			err = savedobjects.Check(own)
		}
		if err == nil {
			templates = own
		} else {
			slog.ErrorContext(ctx, "the tenant's own templates are left out", "tenant", s, "error", err)
		}
	}
	wanted := make([]savedobjects.Object, len(templates))
	for i, template := range templates {
		wanted[i] = template.For(s)
	}
	return wanted, nil
}

// Export returns the objects of the tenant's space as Dashboards exports them, without settings. The tenant must have been
// granted access: otherwise the error is ErrNoTenant.
func (a *Admin) Export(ctx context.Context, s slug.Slug) ([]byte, error) {
	owner, err := a.owner(ctx, s)
	switch {
	case err != nil:
		return nil, err
	case owner == "":
		return nil, ErrNoTenant
	}
	objects, err := a.allObjects(ctx, s)
	if errors.Is(err, errAbsent) {
		return nil, ErrNoTenant
	}
	if err != nil {
		return nil, err
	}
	return savedobjects.ExportText(savedobjects.Exported(objects)), nil
}
