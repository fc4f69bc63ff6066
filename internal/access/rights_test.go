package access_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/earshot-hq/earshot/internal/access"
)

func TestRights(t *testing.T) {
	t.Parallel()
	all := access.Scope{All: true}
	for _, row := range []struct {
		actor  access.Actor
		action access.Action
		want   error
	}{
		{access.Actor{Role: access.Owner, Scope: all}, access.AddTenants, nil},
		{access.Actor{Role: access.Operator, Scope: all}, access.AddTenants, nil},
		{access.Actor{Role: access.Operator}, access.AddTenants, access.ErrScope},
		{access.Actor{Role: access.Auditor}, access.AddTenants, access.ErrForbidden},
		{access.Actor{Role: access.Auditor, Scope: all}, access.ChangeTenants, access.ErrForbidden},
		{access.Actor{Role: access.Operator}, access.ChangeTenants, nil},
		{access.Actor{Role: access.Owner, Scope: all}, "something.new", access.ErrForbidden},
		{access.Actor{Role: access.Owner, Scope: all}, "", access.ErrForbidden},
		{access.Actor{Role: "root", Scope: all}, access.ReadTenants, access.ErrForbidden},
		{access.Actor{Scope: all}, access.ReadCaller, access.ErrForbidden},
	} {
		if err := row.actor.May(row.action); !errors.Is(err, row.want) {
			t.Errorf("%+v may %s: %v, want %v", row.actor, row.action, err, row.want)
		}
	}
}

func TestTheTableIsInOrder(t *testing.T) {
	t.Parallel()
	var actions []access.Action
	for _, right := range access.Rights() {
		actions = append(actions, right.Action)
	}
	if !slices.IsSorted(actions) || len(slices.Compact(actions)) != len(access.Rights()) {
		t.Errorf("the table has %v", actions)
	}
}
