package launch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/services/localstack/internal/adminapi"
	"github.com/earshot-hq/earshot/services/localstack/internal/cloud"
	"github.com/earshot-hq/earshot/services/localstack/internal/part"
)

// DemoTenant is onboarded when the stack comes up.
const DemoTenant = "acme"

// onboardTime is how long an onboarding, or a building again, may take here.
const onboardTime = 3 * time.Minute

// demoInstance is its Connect instance, in an account of the customer's own, which the simulator stands in for.
const demoInstance = "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-00000000acbe"

// demoSettings let the simulator serve its CCP.
var demoSettings = map[string]any{"ccp_hosts": []string{part.CCPHost}}

// demoDraft is the demonstration tenant as the API takes it.
func demoDraft(ccpURL string) map[string]any {
	return map[string]any{
		"slug": DemoTenant, "display_name": "Acme Contact Centre", "settings": demoSettings,
		"connect_instances": []any{map[string]any{"alias": DemoTenant, "region": "eu-west-2", "ccp_url": ccpURL, "arn": demoInstance}},
	}
}

// onboardDemo brings the demonstration tenant to active through the public API, whatever an earlier run has left of it.
func (s *stack) onboardDemo(ctx context.Context) (adminapi.Tenant, error) {
	ctx, cancel := context.WithTimeout(ctx, onboardTime)
	defer cancel()
	began := time.Now()
	api := s.api()
	tenant, err := api.Tenant(ctx, DemoTenant)
	var problem *adminapi.Problem
	if errors.As(err, &problem) && problem.Status == http.StatusNotFound {
		var operation adminapi.Operation
		if operation, err = api.Onboard(ctx, "launcher-"+s.externalID, demoDraft(s.simulator.CCP())); err == nil {
			err = s.follow(ctx, api, operation.ID)
		}
	}
	if err != nil {
		return tenant, fmt.Errorf("onboard %s: %w", DemoTenant, err)
	}
	if tenant, err = s.awaitActive(ctx, api); err != nil {
		return tenant, fmt.Errorf("await %s: %w", DemoTenant, err)
	}
	s.Console.Took(DemoTenant, tenant.State, time.Since(began))
	return tenant, nil
}

// connectDemo plays the customer who lets Earshot read the directory: the role in their account, its ARN in the tenant, and a
// first reading, for which nobody wants to wait until it is scheduled. A tenant of an earlier run is told where the CCP is now.
func (s *stack) connectDemo(ctx context.Context, tenant adminapi.Tenant) error {
	ctx, cancel := context.WithTimeout(ctx, onboardTime)
	defer cancel()
	began := time.Now()
	role, err := s.cloud.CustomersRole(ctx, demoInstance, tenant.ExternalID, slug.Slug(DemoTenant))
	if err != nil {
		return fmt.Errorf("make the customer's role: %w", err)
	}
	api := s.api()
	instance := adminapi.ConnectInstance{Alias: DemoTenant, CCPURL: s.simulator.CCP(), ARN: demoInstance, DirectoryRoleARN: role}
	if !slices.Contains(tenant.ConnectInstances, instance) {
		err := api.ChangeSettings(ctx, DemoTenant, demoSettings)
		var operation adminapi.Operation
		if err == nil {
			operation, err = api.ConnectInstance(ctx, DemoTenant, instance)
		}
		if err == nil {
			err = s.follow(ctx, api, operation.ID)
		}
		if err != nil {
			return fmt.Errorf("give %s its directory role: %w", DemoTenant, err)
		}
	}
	agents, err := s.cloud.ReadDirectory(ctx, slug.Slug(DemoTenant))
	if err != nil {
		return fmt.Errorf("read the agent directory of %s: %w", DemoTenant, err)
	}
	s.Console.Took(DemoTenant, fmt.Sprintf("has a directory of %d agents", agents), time.Since(began))
	return nil
}

// inviteDemo makes the tenant's first manager through the public API, and plays her choosing a password.
func (s *stack) inviteDemo(ctx context.Context) error {
	err := s.api().InviteManager(ctx, DemoTenant, managerEmail)
	var problem *adminapi.Problem
	if err != nil && (!errors.As(err, &problem) || problem.Code != "manager.exists") {
		return fmt.Errorf("invite a manager of %s: %w", DemoTenant, err)
	}
	return s.cloud.ChoosePassword(ctx, slug.Slug(DemoTenant), managerEmail, s.managerPassword)
}

// awaitActive follows whatever operation the tenant has, retries one that failed in an earlier run, and returns when the tenant
// is active and its stack is there: the worker finds out by itself that the emulator has forgotten one.
func (s *stack) awaitActive(ctx context.Context, api *adminapi.Client) (adminapi.Tenant, error) {
	isRetried := false
	look := time.NewTicker(300 * time.Millisecond)
	defer look.Stop()
	for {
		tenant, err := api.Tenant(ctx, DemoTenant)
		if err != nil {
			return tenant, err
		}
		switch {
		case tenant.ActiveOperation != "":
			if err := s.follow(ctx, api, tenant.ActiveOperation); err != nil {
				return tenant, err
			}
			continue
		case tenant.State == "active":
			if exists, err := s.cloud.HasStack(ctx, slug.Slug(DemoTenant).StackName()); err != nil || exists {
				return tenant, err
			}
		case tenant.State == "failed" && !isRetried:
			isRetried = true
			if err := api.Retry(ctx, DemoTenant); err != nil {
				return tenant, err
			}
			continue
		default:
			return tenant, fmt.Errorf("it is %s; see its operations", tenant.State)
		}
		select {
		case <-ctx.Done():
			return tenant, fmt.Errorf("its stack is missing and is not built again: %w", ctx.Err())
		case <-look.C:
		}
	}
}

// percentStep is how far a stack must have come since the last line for another: it has a hundred events.
const percentStep = 20

// follow prints an operation's events until it has ended, and returns why it failed.
func (s *stack) follow(ctx context.Context, api *adminapi.Client, id string) error {
	look := time.NewTicker(300 * time.Millisecond)
	defer look.Stop()
	var seen int64
	told := -percentStep
	for {
		operation, err := api.Operation(ctx, id)
		if err != nil {
			return err
		}
		events, err := api.Events(ctx, id, seen)
		if err != nil {
			return err
		}
		for _, event := range events {
			seen = event.Sequence
			if event.Resource == "" || event.Level == "error" || event.Percent >= told+percentStep {
				told = event.Percent
				s.Console.Line(DemoTenant, fmt.Sprintf("%3d %%  %s", event.Percent, event.Message))
			}
		}
		switch operation.State {
		case "succeeded":
			return nil
		case "failed", "cancelled":
			return operation.Reason()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
}

// api speaks as the owner. A token lives an hour; onboarding takes seconds.
func (s *stack) api() *adminapi.Client {
	s.mu.Lock()
	identity := s.identity
	s.mu.Unlock()
	return &adminapi.Client{Base: s.admin.URL(), Token: func(ctx context.Context) (string, error) {
		return s.cloud.Token(ctx, identity.ClientID, ownerEmail, s.password)
	}}
}

// Token returns a bearer token of the running stack's owner.
func (l *Launcher) Token(ctx context.Context) (string, error) {
	e, err := l.endpoints()
	if err != nil {
		return "", err
	}
	return e.token(ctx)
}

func (e Endpoints) token(ctx context.Context) (string, error) {
	return cloud.New(e.AWSEndpoint, part.Region, "").Token(ctx, e.AdminClientID, e.AdminUser.Username, e.AdminUser.Password)
}
