// Package agents holds a Connect instance's agent directory: who its agents are and where they stand in the organisation, the
// form in which it is kept, and what the last run that read it came to. It knows neither Connect nor a store.
package agents

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Version is the version of the objects that this package writes.
const Version = 1

// MaxAgents is how many agents one directory may hold, and all that a function keeps in memory together.
const MaxAgents = 50_000

// Levels is how many levels an agent hierarchy of Amazon Connect may have.
const Levels = 5

// A Directory is who the agents of one Connect instance are. Its lists are tables: agents name groups and routing profiles by
// their place in them, -1 for none. Make a readable one with Parse.
type Directory struct {
	InstanceARN     string
	TakenAt         time.Time
	Groups          []Group
	RoutingProfiles []RoutingProfile
	Agents          []Agent

	byUsername map[string]int32
}

// A Group is a hierarchy group that agents are in.
type Group struct {
	ID   string   `json:"id"`
	Path []string `json:"path"` // names from the top down to its own; 1 to Levels
}

// A RoutingProfile is what says which queues an agent serves.
type RoutingProfile struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// An Agent is a user of the instance.
type Agent struct {
	Username       string `json:"username"`
	ID             string `json:"id"`
	Name           string `json:"name,omitempty"` // as people say it; empty: the instance has none
	Group          int32  `json:"group"`
	RoutingProfile int32  `json:"routingProfile"`
}

// object is a directory as it is stored.
type object struct {
	V               int              `json:"v"`
	InstanceARN     string           `json:"instanceArn"`
	TakenAt         time.Time        `json:"takenAt"`
	Groups          []Group          `json:"groups"`
	RoutingProfiles []RoutingProfile `json:"routingProfiles"`
	Agents          []Agent          `json:"agents"`
}

// The reasons why an object is no directory that can be used.
var (
	ErrDamaged = errors.New("the directory object is damaged")
	ErrVersion = errors.New("the directory object is of a version that is not known")
)

// Marshal returns the directory as it is stored.
func (d *Directory) Marshal() ([]byte, error) {
	text, err := json.Marshal(object{Version, d.InstanceARN, d.TakenAt.UTC(), d.Groups, d.RoutingProfiles, d.Agents})
	if err != nil {
		return nil, fmt.Errorf("write directory: %w", err)
	}
	return text, nil
}

// Parse reads what Marshal of this version wrote. It returns ErrVersion for another version's, whose members may mean
// something else, and ErrDamaged for what is cut off or contradicts itself.
func Parse(text []byte) (*Directory, error) {
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if o.V != Version {
		return nil, fmt.Errorf("%w: %d", ErrVersion, o.V)
	}
	d := &Directory{o.InstanceARN, o.TakenAt, o.Groups, o.RoutingProfiles, o.Agents, nil}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	d.byUsername = make(map[string]int32, len(d.Agents))
	for i, a := range d.Agents {
		d.byUsername[a.Username] = int32(i)
	}
	return d, nil
}

func (d *Directory) check() error {
	if d.InstanceARN == "" || d.TakenAt.IsZero() {
		return errors.New("it does not say whose it is, or of when")
	}
	if len(d.Agents) == 0 || len(d.Agents) > MaxAgents {
		return fmt.Errorf("%d agents are in it", len(d.Agents))
	}
	for i, g := range d.Groups {
		if len(g.Path) == 0 || len(g.Path) > Levels {
			return fmt.Errorf("group %d is on level %d", i, len(g.Path))
		}
	}
	for i, a := range d.Agents {
		isPlaced := isPlace(a.Group, len(d.Groups)) && isPlace(a.RoutingProfile, len(d.RoutingProfiles))
		if a.Username == "" || a.ID == "" || !isPlaced {
			return fmt.Errorf("agent %d lacks a name, or is in a group or profile that is not there", i)
		}
	}
	return nil
}

func isPlace(i int32, length int) bool { return i >= -1 && int(i) < length }

// A Place is what a document says of its agent: the members early senders used, by name.
type Place struct {
	AgentARN          string `json:"agentArn,omitempty"`
	AgentName         string `json:"agentName,omitempty"`
	RoutingProfileARN string `json:"routingProfileArn,omitempty"`
	HierarchyL1       string `json:"hierarchyL1,omitempty"`
	HierarchyL2       string `json:"hierarchyL2,omitempty"`
	HierarchyL3       string `json:"hierarchyL3,omitempty"`
	HierarchyL4       string `json:"hierarchyL4,omitempty"`
	HierarchyL5       string `json:"hierarchyL5,omitempty"`
}

// Find returns where the agent of this username stands. Usernames are compared as they are written.
func (d *Directory) Find(username string) (Place, bool) {
	i, known := d.byUsername[username]
	if !known {
		return Place{}, false
	}
	a := d.Agents[i]
	p := Place{AgentARN: d.InstanceARN + "/agent/" + a.ID, AgentName: a.Name}
	if a.RoutingProfile >= 0 {
		p.RoutingProfileARN = d.InstanceARN + "/routing-profile/" + d.RoutingProfiles[a.RoutingProfile].ID
	}
	if a.Group >= 0 {
		levels := [Levels]*string{&p.HierarchyL1, &p.HierarchyL2, &p.HierarchyL3, &p.HierarchyL4, &p.HierarchyL5}
		for level, name := range d.Groups[a.Group].Path {
			*levels[level] = name
		}
	}
	return p, true
}

const prefix = "directory/"

// ObjectKey is where the directory of a Connect instance is kept in its tenant's bucket.
func ObjectKey(alias string) string { return prefix + alias + ".json" }

// StatusKey is where the last run's Status is kept. An alias holds no dot, so no instance's object has the other's name.
func StatusKey(alias string) string { return prefix + alias + ".status.json" }

// Name returns how people say an agent's name.
func Name(first, last string) string {
	return strings.TrimSpace(strings.TrimSpace(first) + " " + strings.TrimSpace(last))
}
