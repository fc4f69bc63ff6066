package access

import "slices"

// Action is one thing that an actor may be allowed to do. Each route of the API names the one that it needs.
type Action string

// The actions.
const (
	ReadCaller     Action = "caller.read"
	ReadTenants    Action = "tenants.read"
	AddTenants     Action = "tenants.add"
	ChangeTenants  Action = "tenants.change"
	CheckInstances Action = "instances.check"
	ReadKeys       Action = "keys.read"
	ChangeKeys     Action = "keys.change"
	ChangeAdmins   Action = "admins.change"
	ReadAudit      Action = "audit.read"
	ReadCells      Action = "cells.read"
	ChangeCells    Action = "cells.change"
	ReadManagers   Action = "managers.read"
	ChangeManagers Action = "managers.change"
	ReadSpaces     Action = "spaces.read"
	ChangeSpaces   Action = "spaces.change"
)

// A Right is a line of the table of rights.
type Right struct {
	Action Action
	What   string // for people
	Roles  []Role // who may, besides System
	Whole  bool   // only with a scope of all tenants
	Person bool   // only signed in, not with an API key
}

// Rights is the table of rights, in the order of the alphabet. It is the only place that says which role may do what;
// docs/access.md shows it, and the database refuses a change by an auditor once more.
func Rights() []Right {
	everybody, changers, owners := []Role{Owner, Operator, Auditor}, []Role{Owner, Operator}, []Role{Owner}
	return []Right{
		{Action: ChangeAdmins, What: "read who has signed in, disable and enable them", Roles: owners, Whole: true, Person: true},
		{Action: ReadAudit, What: "read who did what", Roles: everybody},
		{Action: ReadCaller, What: "read one's own name, role and rights", Roles: everybody},
		{Action: ChangeCells, What: "add cells, change their capacity and drain them", Roles: owners, Whole: true},
		{Action: ReadCells, What: "read cells and how full they are", Roles: everybody, Whole: true},
		{Action: CheckInstances, What: "look at what a customer has set up in Amazon Connect", Roles: changers},
		{Action: ChangeKeys, What: "make, rotate and delete API keys", Roles: owners, Person: true},
		{Action: ReadKeys, What: "read which API keys there are, without their secrets", Roles: owners},
		{Action: ChangeManagers, What: "invite a tenant's managers, change and remove them", Roles: changers},
		{Action: ReadManagers, What: "read who a tenant's managers are", Roles: everybody},
		{Action: ChangeSpaces, What: "import dashboards into a tenant's space", Roles: changers},
		{Action: ReadSpaces, What: "export the dashboards of a tenant's space", Roles: everybody},
		{Action: AddTenants, What: "onboard a tenant", Roles: changers, Whole: true},
		{Action: ChangeTenants, What: "change, upgrade, suspend, erase from, off-board a tenant", Roles: changers},
		{Action: ReadTenants, What: "read tenants, their health and their operations", Roles: everybody},
	}
}

// may reports whether the right's holder is the actor, and whether the scope is wide enough.
func (r Right) may(a Actor) (role, scope bool) {
	return a.Role == System || slices.Contains(r.Roles, a.Role), a.Scope.All || !r.Whole
}

// May returns ErrForbidden unless the actor's role allows the action, and ErrScope when the scope does not.
func (a Actor) May(action Action) error {
	for _, right := range Rights() {
		if right.Action != action {
			continue
		}
		switch role, scope := right.may(a); {
		case !role:
			return ErrForbidden
		case right.Person && a.isKey():
			return ErrKeyMakesKeys
		case !scope:
			return ErrScope
		}
		return nil
	}
	return ErrForbidden // an action that is in no table is nobody's
}

// Rights returns the actions that the actor may do, sorted.
func (a Actor) Rights() []Action {
	var actions []Action
	for _, right := range Rights() {
		if a.May(right.Action) == nil {
			actions = append(actions, right.Action)
		}
	}
	slices.Sort(actions)
	return actions
}
