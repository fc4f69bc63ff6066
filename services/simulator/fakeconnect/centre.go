package fakeconnect

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// A centre is what one Connect instance holds: the same for the same id and number of agents.
type centre struct {
	id       string
	arn      string
	users    []user
	groups   map[string]group
	profiles []profile
}

type user struct {
	id, username, first, last, group, profile string
}

type group struct {
	id, name string
	path     []summary // from the top down, itself last
}

type summary struct {
	ID   string `json:"Id"`
	ARN  string `json:"Arn"`
	Name string `json:"Name"`
}

type profile struct{ id, name string }

// The agents of the demonstration calls come first; everybody else is made up of these names.
var (
	demoAgents = []string{"mira.holm", "jonas.weber", "ines.costa"}
	firstNames = []string{"Ada", "Björn", "Chioma", "Dmitri", "Elif", "Farid", "Grace", "Hiroshi", "Ingrid", "José", "Kaveh", "Léa"}
	lastNames  = []string{"Abara", "Brandt", "Çelik", "Dubois", "Eriksen", "Ferrari", "García", "Hansen", "Ivanova", "Jansen"}
	profiles   = []string{"Retail Voice", "Retail Chat", "Billing Voice", "Escalations"}
	levels     = [][]string{
		{"EMEA", "Americas"}, {"North", "South"}, {"Berlin", "Leeds", "Porto"}, {"Orders", "Billing"}, {"Early", "Late", "Night"},
	}
)

// newCentre makes an instance. Most agents are in a team on the fifth level, some on a higher one, some in none.
func newCentre(arn string, agents int) *centre {
	c := &centre{id: arn[strings.LastIndex(arn, "/")+1:], arn: arn, groups: map[string]group{}}
	for _, name := range profiles {
		c.profiles = append(c.profiles, profile{c.uuid("profile", name), name})
	}
	var places []string // ids of the groups in the order in which agents are put into them
	c.grow(nil, func(g group) {
		c.groups[g.id] = g
		if len(g.path) == len(levels) {
			places = append(places, g.id)
		}
	})
	const team = 20
	for n := range agents {
		u := user{id: c.uuid("user", fmt.Sprint(n)), profile: c.profiles[n%len(c.profiles)].id, group: places[n/team%len(places)]}
		u.first, u.last = firstNames[n%len(firstNames)], lastNames[n/len(firstNames)%len(lastNames)]
		u.username = fmt.Sprintf("%s.%s%d", strings.ToLower(u.first), strings.ToLower(u.last), n)
		switch {
		case n < len(demoAgents):
			u.username = demoAgents[n]
			first, last, _ := strings.Cut(u.username, ".")
			u.first, u.last, u.profile = capital(first), capital(last), c.profiles[0].id
		case n%40 == 7:
			u.group = ""
		case n%10 == 3:
			u.group = c.groups[u.group].path[1].ID
		}
		c.users = append(c.users, u)
	}
	return c
}

// grow visits every group below path.
func (c *centre) grow(path []summary, visit func(group)) {
	if len(path) == len(levels) {
		return
	}
	for _, name := range levels[len(path)] {
		id := c.uuid("group", fmt.Sprint(path, name))
		below := slices.Concat(path, []summary{{id, c.arn + "/agent-group/" + id, name}})
		visit(group{id, name, below})
		c.grow(below, visit)
	}
}

// uuid makes an id of what it is for.
func (c *centre) uuid(kind, of string) string {
	h := sha256.Sum256([]byte(c.id + "/" + kind + "/" + of))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8: made of something of ours (RFC 9562)
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// An Agent is how the directory of an instance knows somebody.
type Agent struct{ ARN, Profile, ProfileARN string }

// Agent looks a user name up in the directory of the instance with that ARN.
func (c *Connect) Agent(instanceARN, username string) (Agent, bool) {
	c.mu.Lock()
	of := c.centres[instanceARN[strings.LastIndex(instanceARN, "/")+1:]]
	c.mu.Unlock()
	if of == nil {
		return Agent{}, false
	}
	n := slices.IndexFunc(of.users, func(u user) bool { return u.username == username })
	if n < 0 {
		return Agent{}, false
	}
	u := of.users[n]
	at := slices.IndexFunc(of.profiles, func(p profile) bool { return p.id == u.profile })
	return Agent{of.agentARN(u), of.profiles[at].name, of.profileARN(of.profiles[at])}, true
}

func (c *centre) agentARN(u user) string { return c.arn + "/agent/" + u.id }

func (c *centre) profileARN(p profile) string { return c.arn + "/routing-profile/" + p.id }

func capital(name string) string { return strings.ToUpper(name[:1]) + name[1:] }
