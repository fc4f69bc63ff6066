package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/connectapi"
)

// reader answers by ARN.
type reader struct {
	fails map[string]error
	asked []connectapi.Instance
	left  time.Duration // until the reading's deadline
	setup connectapi.Setup
}

func (r *reader) Read(ctx context.Context, from connectapi.Instance) (*agents.Directory, connectapi.Tally, error) {
	r.asked = append(r.asked, from)
	if deadline, limited := ctx.Deadline(); limited {
		r.left = time.Until(deadline)
	}
	if err := r.fails[from.ARN]; err != nil {
		return nil, connectapi.Tally{Requests: 3, Throttled: 1}, err
	}
	return &agents.Directory{
		InstanceARN: from.ARN, TakenAt: time.Unix(0, 0), Agents: []agents.Agent{{Username: "mira.holm", ID: "a0", Group: -1, RoutingProfile: -1}},
	}, connectapi.Tally{Requests: 2}, nil
}

func (r *reader) Setup(ctx context.Context, from connectapi.Instance) connectapi.Setup {
	r.asked = append(r.asked, from)
	if deadline, limited := ctx.Deadline(); limited {
		r.left = time.Until(deadline)
	}
	return r.setup
}

// panels answers for every address.
type panels struct {
	err   error
	asked []string
}

func (p *panels) Ask(_ context.Context, address string) error {
	p.asked = append(p.asked, address)
	return p.err
}

// store keeps what it is given, or says why not.
type store struct {
	err      error
	kept     []string
	statuses map[string]agents.Status
}

func (s *store) Put(_ context.Context, alias string, _ *agents.Directory) error {
	if s.err == nil {
		s.kept = append(s.kept, alias)
	}
	return s.err
}

func (s *store) PutStatus(_ context.Context, status agents.Status) error {
	s.statuses[status.Alias] = status
	return s.err
}

type bundle struct {
	*Handler
	reader *reader
	panels *panels
	store  *store
	log    *bytes.Buffer
}

const arnForm = "arn:aws:connect:eu-west-2:111122223333:instance/"

func setup(t *testing.T, aliases ...string) bundle {
	t.Helper()
	b := bundle{reader: &reader{fails: map[string]error{}}, panels: &panels{}, store: &store{statuses: map[string]agents.Status{}}, log: &bytes.Buffer{}}
	b.Handler = &Handler{
		Tenant: "acme", ExternalID: "KDPQ3MSE", Reader: b.reader, Panels: b.panels, Store: b.store, Now: time.Now,
		Log: slog.New(slog.NewJSONHandler(b.log, nil)),
	}
	for _, alias := range aliases {
		b.Instances = append(b.Instances, Instance{alias, arnForm + alias, "arn:aws:iam::111122223333:role/r-" + alias, "eu-west-2"})
	}
	return b
}

func TestHandleReadsEveryInstance(t *testing.T) {
	t.Parallel()
	b := setup(t, "acme", "leeds")
	answer, err := b.Handle(t.Context(), json.RawMessage(`{}`))
	if err != nil || len(answer.Runs) != 2 || !slices.Equal(b.store.kept, []string{"acme", "leeds"}) {
		t.Fatalf("%+v, %v", answer, err)
	}
	want := connectapi.Instance{
		ARN: arnForm + "leeds", Region: "eu-west-2", RoleARN: "arn:aws:iam::111122223333:role/r-leeds", ExternalID: "KDPQ3MSE", Session: "earshot-acme-directory",
	}
	if b.reader.asked[1] != want {
		t.Errorf("asked %+v, want %+v", b.reader.asked[1], want)
	}
	for _, alias := range []string{"acme", "leeds"} {
		if s := b.store.statuses[alias]; s.Code != "" || s.Agents != 1 || s.Requests != 2 || s.V != agents.Version || s.StartedAt.IsZero() || s.EndedAt.Before(s.StartedAt) {
			t.Errorf("%s: %+v", alias, s)
		}
	}
}

// One instance's trouble is not another's, and what failed keeps its directory.
func TestHandleKeepsTheLastGoodOne(t *testing.T) {
	t.Parallel()
	rows := map[string]struct{ err, want error }{
		"role":      {fmt.Errorf("%w (no)", agents.ErrRoleRefused), agents.ErrRoleRefused},
		"throttled": {agents.ErrThrottled, agents.ErrThrottled},
		"unknown":   {errors.New("a secret of ours"), agents.ErrUnavailable},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "acme", "leeds")
			b.reader.fails[arnForm+"acme"] = row.err
			if _, err := b.Handle(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if s := b.store.statuses["acme"]; !strings.HasSuffix(row.want.Error(), s.Detail) || !strings.HasPrefix(row.want.Error(), s.Code+":") || s.Agents != 0 || s.Requests != 3 || s.Throttled != 1 {
				t.Errorf("%+v", s)
			}
			if !slices.Equal(b.store.kept, []string{"leeds"}) || b.store.statuses["leeds"].Code != "" {
				t.Errorf("kept %v", b.store.kept)
			}
			if !strings.Contains(b.log.String(), `"level":"ERROR"`) {
				t.Errorf("the log does not say so: %s", b.log)
			}
		})
	}
}

func TestHandleSaysWhenNothingIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t, "acme")
	b.store.err = errors.New("bucket away")
	answer, err := b.Handle(t.Context(), nil)
	if err != nil || answer.Runs[0].Code != agents.ErrUnavailable.Code || answer.Runs[0].Agents != 0 {
		t.Errorf("%+v, %v", answer, err)
	}
}

func TestHandleReadsOneInstanceOnDemand(t *testing.T) {
	t.Parallel()
	for event, want := range map[string][]string{
		`{"alias":"leeds"}`:    {"leeds"},
		`{"alias":"acme"}`:     {"acme"},
		``:                     {"acme", "leeds"},
		`{"source":"s","x":1}`: {"acme", "leeds"},
		`{"alias":"beta"}`:     nil,
		`{"alias":""}`:         nil,
		`{"alias":7}`:          nil,
		`{`:                    nil,
	} {
		b := setup(t, "acme", "leeds")
		_, err := b.Handle(t.Context(), json.RawMessage(event))
		if (err == nil) != (want != nil) || !slices.Equal(b.store.kept, want) {
			t.Errorf("%s: kept %v, %v", event, b.store.kept, err)
		}
	}
}

// What was read, or why it was not, is kept before the function's time is over.
func TestReadingLeavesTimeToKeep(t *testing.T) {
	t.Parallel()
	b := setup(t, "acme")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := b.Handle(ctx, nil); err != nil || b.reader.left > time.Minute-keepTime || b.reader.left <= 0 {
		t.Errorf("%s left, %v", b.reader.left, err)
	}
}

func TestHandleShufflesACopy(t *testing.T) {
	t.Parallel()
	b := setup(t, "acme", "leeds")
	b.Shuffle = func(n int, swap func(i, j int)) { swap(0, n-1) }
	if _, err := b.Handle(t.Context(), nil); err != nil || !slices.Equal(b.store.kept, []string{"leeds", "acme"}) || b.Instances[0].Alias != "acme" {
		t.Errorf("kept %v, %v", b.store.kept, err)
	}
}
