package connectapi

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connect"

	"github.com/earshot-hq/earshot/internal/agents"
)

// A Setup is what was found of an instance's setup. Its errors hold a fault of package agents.
type Setup struct {
	Directory error    // why agents cannot be listed; nil: they can
	Origins   []string // which pages may frame the instance's panel
	Unlisted  error    // why Origins is not known; nil: it is
}

// originsAPage is the most that Connect gives.
const originsAPage = 25

// Setup asks for one agent and for the approved origins, and keeps nothing.
func (r *Reader) Setup(ctx context.Context, from Instance) Setup {
	client, err := r.enter(ctx, from, &Tally{})
	if err != nil {
		return Setup{Directory: err, Unlisted: err}
	}
	run := &run{client: client, from: from}
	found := Setup{Directory: run.findAgent(ctx)}
	found.Origins, found.Unlisted = run.origins(ctx)
	for _, why := range []*error{&found.Directory, &found.Unlisted} {
		if *why != nil {
			*why = classify(ctx, *why)
		}
	}
	return found
}

// findAgent returns nil when Connect lists somebody.
func (r *run) findAgent(ctx context.Context) error {
	page, err := r.client.SearchUsers(ctx, &connect.SearchUsersInput{InstanceId: r.instanceID(), MaxResults: aws.Int32(1)})
	switch {
	case err != nil:
		return fmt.Errorf("search users: %w", err)
	case len(page.Users) == 0:
		return agents.ErrEmpty
	}
	return nil
}

func (r *run) origins(ctx context.Context) (all []string, err error) {
	err = eachPage(func(token *string) (*string, error) {
		page, err := r.client.ListApprovedOrigins(ctx, &connect.ListApprovedOriginsInput{
			InstanceId: r.instanceID(), MaxResults: aws.Int32(originsAPage), NextToken: token,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Origins...)
		return page.NextToken, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list approved origins: %w", err)
	}
	return all, nil
}
