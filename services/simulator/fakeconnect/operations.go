package fakeconnect

import "net/http"

// The sizes of pages are Connect's.
func (c *Connect) searchUsers(of *centre, asked request) (any, error) {
	type identity struct{ FirstName, LastName string }
	type found struct {
		ID               string   `json:"Id"`
		ARN              string   `json:"Arn"`
		Username         string   `json:"Username"`
		IdentityInfo     identity `json:"IdentityInfo"`
		HierarchyGroupID string   `json:"HierarchyGroupId,omitempty"`
		RoutingProfileID string   `json:"RoutingProfileId"`
	}
	users, next, err := page(of.users, asked, 100, 500)
	if err != nil {
		return nil, err
	}
	list := make([]found, 0, len(users))
	for _, u := range users {
		list = append(list, found{u.id, of.agentARN(u), u.username, identity{u.first, u.last}, u.group, u.profile})
	}
	return map[string]any{"Users": list, "NextToken": orNil(next), "ApproximateTotalCount": len(of.users)}, nil
}

func (c *Connect) describeGroup(of *centre, asked request) (any, error) {
	found, ok := of.groups[asked.group]
	if !ok {
		return nil, &refusal{http.StatusNotFound, "ResourceNotFoundException", "There is no such hierarchy group."}
	}
	path := map[string]summary{}
	for i, level := range found.path {
		path[[]string{"LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive"}[i]] = level
	}
	return map[string]any{"HierarchyGroup": map[string]any{
		"Id": found.id, "Arn": of.arn + "/agent-group/" + found.id, "Name": found.name, "HierarchyPath": path,
	}}, nil
}

func (c *Connect) listProfiles(of *centre, asked request) (any, error) {
	profiles, next, err := page(of.profiles, asked, 100, 1000)
	if err != nil {
		return nil, err
	}
	list := make([]summary, 0, len(profiles))
	for _, p := range profiles {
		list = append(list, summary{p.id, of.profileARN(p), p.name})
	}
	return map[string]any{"RoutingProfileSummaryList": list, "NextToken": orNil(next)}, nil
}

func orNil(token string) any {
	if token == "" {
		return nil
	}
	return token
}

// listOrigins answers which pages may frame the instance's CCP.
func (c *Connect) listOrigins(of *centre, asked request) (any, error) {
	c.mu.Lock()
	approved := c.origins[of.id]
	c.mu.Unlock()
	origins, next, err := page(approved, asked, 25, 25)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Origins": append([]string{}, origins...), "NextToken": orNil(next)}, nil
}
