package directory_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/services/gateway/internal/directory"
)

type shelf struct {
	list roster.Roster
	err  error
}

func (s *shelf) Read(context.Context) (roster.Roster, error) { return s.list, s.err }

func TestTheLastGoodListStays(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := &shelf{err: errors.New("away")}
	d := directory.New(s, time.Hour, slog.New(slog.DiscardHandler))
	if d.Refresh(t.Context()) == nil || d.Ready(t.Context()) == nil {
		t.Error("ready without a list")
	}
	list := func(at time.Time, slugs ...slug.Slug) roster.Roster {
		r := roster.Roster{MadeAt: at}
		for _, one := range slugs {
			r.Tenants = append(r.Tenants, roster.Tenant{Slug: one})
		}
		return r
	}
	for _, row := range []struct {
		name      string
		list      roster.Roster
		err       error
		isRefused bool
		knows     slug.Slug
	}{
		{"the first", list(now, "acme"), nil, false, "acme"},
		{"the store is away", roster.Roster{}, errors.New("away"), true, "acme"},
		{"an older one put back", list(now.Add(-time.Hour), "globex"), nil, true, "acme"},
		{"with a name that is no slug", list(now.Add(time.Hour), "acme-eu"), nil, true, "acme"},
		{"a newer one", list(now.Add(time.Minute), "globex"), nil, false, "globex"},
	} {
		s.list, s.err = row.list, row.err
		if err := d.Refresh(t.Context()); (err != nil) != row.isRefused {
			t.Errorf("%s: %v", row.name, err)
		}
		for _, one := range []slug.Slug{"acme", "globex"} {
			if _, isThere := d.Tenant(one); isThere != (one == row.knows) {
				t.Errorf("%s: %s is known: %t", row.name, one, isThere)
			}
		}
	}
	if err := d.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	d := directory.New(&shelf{err: errors.New("away")}, time.Millisecond, slog.New(slog.DiscardHandler))
	if err := d.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
