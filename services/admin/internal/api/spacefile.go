package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// ImportSpace takes an export of Dashboards into the tenant's space.
func (a *API) ImportSpace(ctx context.Context, r apigen.ImportSpaceRequestObject) (apigen.ImportSpaceResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read a file: %w", err)
	}
	file := tenant.SpaceFile{Text: text, Overwrite: orZero(r.Params.Overwrite), Template: orZero(r.Params.Template)}
	caller := callOf(ctx)
	answer, err := a.Recorder.Record(ctx, caller.actor, name, "spaces.import", caller.write(), func(ctx context.Context, t tenant.Tenant) (operation.Deed, error) {
		done, err := a.Spaces.ImportSpace(ctx, t, file)
		if err != nil {
			return operation.Deed{}, err
		}
		answer, err := json.Marshal(importTo(done))
		return operation.Deed{Answer: answer, Target: "space", Detail: map[string]any{
			"created": len(done.Created), "updated": len(done.Updated), "unchanged": len(done.Unchanged),
			"overwrite": file.Overwrite, "template": file.Template,
		}}, err
	})
	return imported(answer), err
}

func importTo(done tenant.SpaceImport) apigen.SpaceImport {
	out := apigen.SpaceImport{
		Created: listed(done.Created), Updated: listed(done.Updated), Unchanged: listed(done.Unchanged), Notes: []apigen.SpaceNote{},
	}
	for _, note := range done.Notes {
		out.Notes = append(out.Notes, apigen.SpaceNote{Object: orNil(note.Object), Text: note.Text})
	}
	return out
}

// imported answers with bytes that are the same each time the request is repeated.
type imported []byte

// VisitImportSpaceResponse implements the generated interface.
func (i imported) VisitImportSpaceResponse(w http.ResponseWriter) error {
	return kept{http.StatusOK, i}.visit(w)
}

// ExportSpace returns the objects of the tenant's space. Whether the caller may see the tenant is asked first.
func (a *API) ExportSpace(ctx context.Context, r apigen.ExportSpaceRequestObject) (apigen.ExportSpaceResponseObject, error) {
	t, err := a.tenantAt(ctx, r.Slug)
	if err != nil {
		return nil, err
	}
	text, err := a.Spaces.ExportSpace(ctx, t)
	if err != nil {
		return nil, err
	}
	disposition := fmt.Sprintf(`attachment; filename="%s-space.ndjson"`, t.Slug)
	return apigen.ExportSpace200ApplicationxNdjsonResponse{
		Body: bytes.NewReader(text), ContentLength: int64(len(text)),
		Headers: apigen.ExportSpace200ResponseHeaders{ContentDisposition: &disposition},
	}, nil
}
