package agents

// A Book is what is known of a tenant's agents: the directory of each of its Connect instances by alias. One that has none, or
// whose directory could not be had yet, is in it as nil.
type Book map[string]*Directory

// A Finding is what a document says of its agent. Known is nil where nobody can tell: there is no directory, or two instances
// have an agent of this username and the sender did not say whose it is.
type Finding struct {
	Place
	Known *bool `json:"agentKnown,omitempty"`
}

// IsStranger reports whether the directories say that there is no such agent.
func (f Finding) IsStranger() bool { return f.Known != nil && !*f.Known }

// Find looks an agent up by the alias of the Connect instance and the username. Old senders name no instance: the agent then
// is the one of that name, in whichever instance.
func (b Book) Find(alias, username string) Finding {
	if !b.hasAny() {
		return Finding{}
	}
	if alias != "" {
		d, isOurs := b[alias]
		if isOurs && d == nil {
			return Finding{}
		}
		if isOurs {
			if place, known := d.Find(username); known {
				return Finding{place, new(true)}
			}
		}
		return Finding{Known: new(false)}
	}
	return b.findAnywhere(username)
}

func (b Book) findAnywhere(username string) Finding {
	var found []Place
	isComplete := true
	for _, d := range b {
		if d == nil {
			isComplete = false
			continue
		}
		if place, known := d.Find(username); known {
			found = append(found, place)
		}
	}
	switch {
	case len(found) == 1 && isComplete:
		return Finding{found[0], new(true)}
	case len(found) == 0 && isComplete:
		return Finding{Known: new(false)}
	}
	return Finding{}
}

func (b Book) hasAny() bool {
	for _, d := range b {
		if d != nil {
			return true
		}
	}
	return false
}
