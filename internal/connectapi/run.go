package connectapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/earshot-hq/earshot/internal/agents"
)

// The most that Connect gives in a page.
const (
	usersAPage    = 500
	profilesAPage = 1000
)

// run is one reading of one instance.
type run struct {
	client    *connect.Client
	from      Instance
	directory agents.Directory

	groups   map[string]int32 // by id, -1: it is gone; each is asked for once
	profiles map[string]int32 // by id
	seen     map[string]int   // users by id: one who moves between two pages is in both
}

func (r *run) read(ctx context.Context) error {
	r.directory.InstanceARN, r.directory.TakenAt = r.from.ARN, time.Now().UTC()
	if err := r.readProfiles(ctx); err != nil {
		return fmt.Errorf("list routing profiles: %w", err)
	}
	if err := r.readUsers(ctx); err != nil {
		return fmt.Errorf("search users: %w", err)
	}
	if len(r.directory.Agents) == 0 {
		return agents.ErrEmpty
	}
	return nil
}

func (r *run) instanceID() *string {
	return aws.String(r.from.ARN[strings.LastIndex(r.from.ARN, "/")+1:])
}

func (r *run) readProfiles(ctx context.Context) error {
	return eachPage(func(token *string) (*string, error) {
		page, err := r.client.ListRoutingProfiles(ctx, &connect.ListRoutingProfilesInput{
			InstanceId: r.instanceID(), MaxResults: aws.Int32(profilesAPage), NextToken: token,
		})
		if err != nil {
			return nil, err
		}
		for _, p := range page.RoutingProfileSummaryList {
			r.profile(aws.ToString(p.Id), aws.ToString(p.Name))
		}
		return page.NextToken, nil
	})
}

// profile returns the place of a routing profile in the table, -1 of none. One that was made since the list was read has no
// name yet.
func (r *run) profile(id, name string) int32 {
	if id == "" {
		return -1
	}
	place, known := r.profiles[id]
	if !known {
		place = int32(len(r.directory.RoutingProfiles))
		r.profiles[id] = place
		r.directory.RoutingProfiles = append(r.directory.RoutingProfiles, agents.RoutingProfile{ID: id, Name: name})
	}
	return place
}

func (r *run) readUsers(ctx context.Context) error {
	return eachPage(func(token *string) (*string, error) {
		page, err := r.client.SearchUsers(ctx, &connect.SearchUsersInput{
			InstanceId: r.instanceID(), MaxResults: aws.Int32(usersAPage), NextToken: token,
		})
		if err != nil {
			return nil, err
		}
		for _, user := range page.Users {
			if err := r.add(ctx, user); err != nil {
				return nil, err
			}
		}
		return page.NextToken, nil
	})
}

func (r *run) add(ctx context.Context, user types.UserSearchSummary) error {
	agent := agents.Agent{Username: aws.ToString(user.Username), ID: aws.ToString(user.Id)}
	if agent.Username == "" || agent.ID == "" {
		return nil // nobody could send in its name
	}
	if identity := user.IdentityInfo; identity != nil {
		agent.Name = agents.Name(aws.ToString(identity.FirstName), aws.ToString(identity.LastName))
	}
	agent.RoutingProfile = r.profile(aws.ToString(user.RoutingProfileId), "")
	var err error
	if agent.Group, err = r.group(ctx, aws.ToString(user.HierarchyGroupId)); err != nil {
		return fmt.Errorf("describe hierarchy group: %w", err)
	}
	if place, again := r.seen[agent.ID]; again {
		r.directory.Agents[place] = agent
		return nil
	}
	if len(r.directory.Agents) == agents.MaxAgents {
		return agents.ErrTooLarge
	}
	r.seen[agent.ID] = len(r.directory.Agents)
	r.directory.Agents = append(r.directory.Agents, agent)
	return nil
}

// group returns the place of a hierarchy group in the table, -1 of none and of one that is gone.
func (r *run) group(ctx context.Context, id string) (int32, error) {
	if id == "" {
		return -1, nil
	}
	if place, known := r.groups[id]; known {
		return place, nil
	}
	found, err := r.client.DescribeUserHierarchyGroup(ctx, &connect.DescribeUserHierarchyGroupInput{
		InstanceId: r.instanceID(), HierarchyGroupId: &id,
	})
	var isGone *types.ResourceNotFoundException
	if err != nil && !errors.As(err, &isGone) {
		return 0, err
	}
	place := int32(-1)
	if err == nil {
		if path := pathOf(found.HierarchyGroup); len(path) > 0 {
			place = int32(len(r.directory.Groups))
			r.directory.Groups = append(r.directory.Groups, agents.Group{ID: id, Path: path})
		}
	}
	r.groups[id] = place
	return place, nil
}

// pathOf returns a group's names from the top down.
func pathOf(group *types.HierarchyGroup) (path []string) {
	if group == nil || group.HierarchyPath == nil {
		return nil
	}
	p := group.HierarchyPath
	for _, level := range []*types.HierarchyGroupSummary{p.LevelOne, p.LevelTwo, p.LevelThree, p.LevelFour, p.LevelFive} {
		if level == nil {
			break
		}
		path = append(path, aws.ToString(level.Name))
	}
	return path
}

var errSamePage = errors.New("a page names itself as the next one")

// eachPage asks for pages until there is no next one. A token that comes twice would end a list early, or never.
func eachPage(page func(token *string) (next *string, err error)) error {
	var token *string
	for {
		next, err := page(token)
		switch {
		case err != nil:
			return err
		case aws.ToString(next) == "":
			return nil
		case aws.ToString(next) == aws.ToString(token):
			return errSamePage
		}
		token = next
	}
}
