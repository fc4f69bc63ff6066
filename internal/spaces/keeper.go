package spaces

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// mostPacked is what fits into a call of a function, which may have 6 MB with the base64 of this in it.
const mostPacked = 4 << 20

// KeeperConfig is what a Keeper needs.
type KeeperConfig struct {
	Cells   *cellaws.Cells                                     // entered by cellaws.SpacesRole
	Cell    func(context.Context, string) (tenant.Cell, error) // by name
	Timeout time.Duration
}

// Keeper implements tenant.Spaces by the function of the tenant's cell that imports and exports, and does nothing else.
type Keeper struct{ KeeperConfig }

var _ tenant.Spaces = (*Keeper)(nil)

// NewKeeper returns a Keeper.
func NewKeeper(c KeeperConfig) *Keeper { return &Keeper{c} }

// request is what the function is asked.
type request struct {
	Action    string `json:"action"`
	Slug      string `json:"slug"`
	Packed    []byte `json:"packed,omitempty"`
	Overwrite bool   `json:"overwrite,omitempty"`
	Template  bool   `json:"template,omitempty"`
}

// answer is what it says to both requests.
type answer struct {
	Absent   bool   `json:"absent"`
	TooLarge bool   `json:"too_large"`
	Packed   []byte `json:"packed"`
	Refused  []struct {
		Line   int    `json:"line"`
		Object string `json:"object"`
		Reason string `json:"reason"`
	} `json:"refused"`
	Created   []string `json:"created"`
	Updated   []string `json:"updated"`
	Unchanged []string `json:"unchanged"`
	Conflicts []string `json:"conflicts"`
	Notes     []struct {
		Object string `json:"object"`
		Text   string `json:"text"`
	} `json:"notes"`
}

func (k *Keeper) ask(ctx context.Context, t tenant.Tenant, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, k.Timeout)
	defer cancel()
	r.Slug = t.Slug.String()
	cell, err := k.Cell(ctx, t.Cell)
	if err != nil {
		return answer{}, fmt.Errorf("find cell %s: %w", t.Cell, err)
	}
	var a answer
	if err := k.Cells.Invoke(ctx, cell, slug.SpacesFunction, r, &a); err != nil {
		return answer{}, fmt.Errorf("%s %s: %w (%w)", r.Action, t.Slug, problem.ErrUnavailable, err)
	}
	if a.Absent {
		return answer{}, tenant.ErrNoSpace
	}
	return a, nil
}

// ImportSpace implements tenant.Spaces.
func (k *Keeper) ImportSpace(ctx context.Context, t tenant.Tenant, f tenant.SpaceFile) (tenant.SpaceImport, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(f.Text); err != nil {
		return tenant.SpaceImport{}, fmt.Errorf("pack a file: %w", err)
	}
	if err := w.Close(); err != nil {
		return tenant.SpaceImport{}, fmt.Errorf("pack a file: %w", err)
	}
	if packed.Len() > mostPacked {
		return tenant.SpaceImport{}, problem.ErrTooLarge.With(fmt.Sprintf(
			"Compressed, the file is over %d bytes. Export fewer dashboards at once.", mostPacked))
	}
	a, err := k.ask(ctx, t, request{Action: "import", Packed: packed.Bytes(), Overwrite: f.Overwrite, Template: f.Template})
	if err != nil {
		return tenant.SpaceImport{}, err
	}
	if err := a.fault(); err != nil {
		return tenant.SpaceImport{}, err
	}
	done := tenant.SpaceImport{Created: a.Created, Updated: a.Updated, Unchanged: a.Unchanged}
	for _, note := range a.Notes {
		done.Notes = append(done.Notes, tenant.SpaceNote(note))
	}
	return done, nil
}

// fault names what was refused: by its line, counted from 0 as a JSON Pointer counts.
func (a answer) fault() error {
	refused, conflict := *tenant.ErrSpaceRefused, *tenant.ErrSpaceConflict
	for _, r := range a.Refused {
		field := fault.Field{Code: refused.Code, Detail: r.Reason}
		if r.Line > 0 {
			field.Pointer = fmt.Sprintf("/%d", r.Line-1)
			field.Detail = strings.TrimPrefix(r.Object+": ", ": ") + r.Reason
		}
		refused.Fields = append(refused.Fields, field)
	}
	for _, key := range a.Conflicts {
		conflict.Fields = append(conflict.Fields, fault.Field{Code: conflict.Code, Detail: key + ": the space has another object with this id."})
	}
	switch {
	case len(refused.Fields) > 0:
		return &refused
	case len(conflict.Fields) > 0:
		return &conflict
	}
	return nil
}

// ExportSpace implements tenant.Spaces.
func (k *Keeper) ExportSpace(ctx context.Context, t tenant.Tenant) ([]byte, error) {
	a, err := k.ask(ctx, t, request{Action: "export"})
	if err != nil {
		return nil, err
	}
	if a.TooLarge {
		return nil, tenant.ErrSpaceTooLarge
	}
	r, err := gzip.NewReader(bytes.NewReader(a.Packed))
	if err != nil {
		return nil, fmt.Errorf("unpack an export: %w", err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("unpack an export: %w", err)
	}
	return text, nil
}
