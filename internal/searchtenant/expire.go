package searchtenant

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// Expired lists the tenant's indices whose period ended at an instant or before: every record in them is older than that. It is
// read from the names. An index whose name holds no period never expires.
func (a *Admin) Expired(ctx context.Context, s slug.Slug, endedBy time.Time) ([]string, error) {
	if err := isTenant(s); err != nil {
		return nil, err
	}
	names, err := a.dataIndices(ctx, s)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, period, isOurs := s.FromIndex(name)
		end, isPeriod := telemetry.EndOf(period)
		return !isOurs || !isPeriod || end.After(endedBy)
	}), nil
}

// Expire deletes those of the named indices that Expired lists, and returns them. What was deleted before is none of them.
func (a *Admin) Expire(ctx context.Context, s slug.Slug, endedBy time.Time, names []string) ([]string, error) {
	expired, err := a.Expired(ctx, s, endedBy)
	if err != nil {
		return nil, err
	}
	due := slices.DeleteFunc(expired, func(name string) bool { return !slices.Contains(names, name) })
	for some := range slices.Chunk(due, atOnce) {
		path := "/" + strings.Join(some, ",") + "?ignore_unavailable=true"
		if err := a.call(ctx, http.MethodDelete, path, nil, nil); err != nil && !errors.Is(err, errAbsent) {
			return nil, err
		}
	}
	return due, nil
}

func isTenant(s slug.Slug) error {
	_, err := slug.Parse(s.String())
	return err
}
