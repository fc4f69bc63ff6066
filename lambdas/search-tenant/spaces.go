package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/earshot-hq/earshot/internal/exports"
	"github.com/earshot-hq/earshot/internal/savedobjects"
	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
)

// Imported is what an import gets. With refusals nothing was written.
type Imported struct {
	searchtenant.ImportResult
	Absent  bool              `json:"absent"` // there is no such space
	Refused []exports.Refusal `json:"refused"`
}

// Exported is what an export gets: a file, packed, because a function's answer has a bound.
type Exported struct {
	Packed   []byte `json:"packed"`
	Absent   bool   `json:"absent"`    // there is no such space
	TooLarge bool   `json:"too_large"` // for an answer
}

// mostPacked is what fits into an answer, which may have 6 MB with the base64 of this in it.
const mostPacked = 4 << 20

// inSpace does something in the cluster that a tenant is in: the first that knows it is that.
func (h *Handler) inSpace(ctx context.Context, s slug.Slug, do func(*searchtenant.Admin) error) error {
	searches, err := h.Holding(ctx, s)
	if err != nil {
		return err
	}
	for _, search := range searches {
		if err := do(search.Admin); !errors.Is(err, searchtenant.ErrNoTenant) {
			return err
		}
	}
	return searchtenant.ErrNoTenant
}

// provision writes the managed objects of the tenant's space anew, without its stack.
func (h *Handler) provision(ctx context.Context, s slug.Slug, event json.RawMessage) (any, error) {
	var request struct {
		about
		Restore bool `json:"restore"`
	}
	if err := strictly(event, &request); err != nil {
		return nil, err
	}
	var report savedobjects.Report
	err := h.inSpace(ctx, s, func(a *searchtenant.Admin) error {
		var err error
		report, err = a.Provision(ctx, s, request.Restore)
		return err
	})
	if err != nil {
		return nil, err
	}
	slog.InfoContext(ctx, "provision", "tenant", s, "version", report.Version, "created", len(report.Created), "updated", len(report.Updated),
		"removed", len(report.Removed), "edited", len(report.Edited), "conflicts", len(report.Conflicts), "deleted", len(report.Deleted))
	return report, nil
}

// importObjects takes somebody's export into the tenant's space. A file that is refused is an answer, not an error.
func (h *Handler) importObjects(ctx context.Context, s slug.Slug, event json.RawMessage) (any, error) {
	var request struct {
		about
		Packed    []byte `json:"packed"`
		Overwrite bool   `json:"overwrite"`
		Template  bool   `json:"template"`
	}
	if err := strictly(event, &request); err != nil {
		return nil, err
	}
	file, err := unpack(request.Packed)
	if err != nil {
		return nil, err
	}
	answer := Imported{Refused: []exports.Refusal{}}
	err = h.inSpace(ctx, s, func(a *searchtenant.Admin) error {
		var err error
		answer.ImportResult, err = a.Import(ctx, s, searchtenant.ImportRequest{File: file, Overwrite: request.Overwrite, Template: request.Template})
		return err
	})
	var refused *exports.Refused
	switch {
	case errors.As(err, &refused):
		answer.Refused = refused.Refusals
	case errors.Is(err, searchtenant.ErrNoTenant):
		return Imported{Absent: true}, nil
	case err != nil:
		return nil, err
	}
	slog.InfoContext(ctx, "import", "tenant", s, "bytes", len(file), "refused", len(answer.Refused), "created", len(answer.Created),
		"updated", len(answer.Updated), "unchanged", len(answer.Unchanged), "conflicts", len(answer.Conflicts), "template", request.Template)
	return answer, nil
}

// unpack returns a packed file, of which no more is unpacked than is needed to see that it is too large.
func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, errShape
	}
	file, err := io.ReadAll(io.LimitReader(r, exports.MaxBytes+1))
	if err != nil {
		return nil, errShape
	}
	return file, nil
}

func (h *Handler) export(ctx context.Context, s slug.Slug, event json.RawMessage) (any, error) {
	if err := strictly(event, &about{}); err != nil {
		return nil, err
	}
	var file []byte
	err := h.inSpace(ctx, s, func(a *searchtenant.Admin) error {
		var err error
		file, err = a.Export(ctx, s)
		return err
	})
	if errors.Is(err, searchtenant.ErrNoTenant) {
		return Exported{Absent: true}, nil
	}
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(file); err != nil {
		return nil, fmt.Errorf("pack an export: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack an export: %w", err)
	}
	slog.InfoContext(ctx, "export", "tenant", s, "bytes", len(file))
	if packed.Len() > mostPacked {
		return Exported{TooLarge: true}, nil
	}
	return Exported{Packed: packed.Bytes()}, nil
}
