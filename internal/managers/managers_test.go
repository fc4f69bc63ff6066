package managers_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/managers"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// template has of a tenant's stack what managers are about.
const template = `{"Resources": {
	"UserPool": {"Type": "AWS::Cognito::UserPool", "Properties": {"UsernameAttributes": ["email"], "UsernameConfiguration": {"CaseSensitive": false}}},
	"Managers": {"Type": "AWS::Cognito::UserPoolGroup", "Properties": {"UserPoolId": {"Ref": "UserPool"}, "GroupName": "managers"}},
	"Viewers": {"Type": "AWS::Cognito::UserPoolGroup", "Properties": {"UserPoolId": {"Ref": "UserPool"}, "GroupName": "viewers"}}},
	"Outputs": {"UserPoolId": {"Value": {"Ref": "UserPool"}}}}`

// A world is one tenant with a pool of its own.
type world struct {
	managers *managers.Managers
	tenant   tenant.Tenant
	pool     string
	cognito  *cognitoidentityprovider.Client
}

func setup(t *testing.T) world {
	t.Helper()
	config := testenv.AWS(t)
	w := world{managers: over(config, time.Now), tenant: tenant.Tenant{Slug: testenv.Slug(t)}, cognito: cognitoidentityprovider.NewFromConfig(config)}
	client, name := cloudformation.NewFromConfig(config), w.tenant.Slug.StackName()
	if _, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: aws.String(template)}); err != nil {
		t.Fatal(err)
	}
	made := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second
	})
	stack, err := made.WaitForOutput(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	w.pool = aws.ToString(stack.Stacks[0].Outputs[0].OutputValue)
	return w
}

func over(config aws.Config, now func() time.Time) *managers.Managers {
	return managers.New(managers.Config{
		Cells: cellaws.New(config), Timeout: time.Minute, Now: now,
		Cell: func(context.Context, string) (tenant.Cell, error) {
			return tenant.Cell{Name: "local", Region: testenv.Region}, nil
		},
	})
}

func (w world) invite(t *testing.T, email string, group tenant.ManagerGroup) (tenant.Manager, error) {
	t.Helper()
	address, err := tenant.ParseAddress(email)
	if err != nil {
		t.Fatal(err)
	}
	return w.managers.Invite(t.Context(), w.tenant, tenant.Invitation{Address: address, Group: group})
}

func (w world) list(t *testing.T) (emails []string) {
	t.Helper()
	list, err := w.managers.Managers(t.Context(), w.tenant)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		emails = append(emails, m.Email)
	}
	return emails
}

// chooses has a person choose a password, which makes them active.
func (w world) chooses(t *testing.T, key string) {
	t.Helper()
	if _, err := w.cognito.AdminSetUserPassword(t.Context(), &cognitoidentityprovider.AdminSetUserPasswordInput{
		UserPoolId: &w.pool, Username: &key, Password: aws.String("Correct-horse-7"), Permanent: true,
	}); err != nil {
		t.Fatal(err)
	}
}

// Case 21: one person, however their address is written.
func TestAddressesHaveNoCase(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, err := w.invite(t, "Nora.Lind@Example.com", tenant.Viewers)
	if err != nil || first.ID == "" || first.Email != "Nora.Lind@Example.com" || first.Group != tenant.Viewers || !first.Enabled ||
		first.Status != tenant.ManagerInvited || time.Since(first.InvitedAt).Abs() > time.Minute {
		t.Fatalf("%+v (%v)", first, err)
	}
	for _, again := range []string{"Nora.Lind@Example.com", "nora.lind@example.COM", "  nora.lind@example.com "} {
		if _, err := w.invite(t, again, tenant.Editors); !errors.Is(err, tenant.ErrManagerExists) {
			t.Errorf("%q is invited beside her: %v", again, err)
		}
	}
	if _, err := w.invite(t, "nora.lind+kb@example.com", tenant.Viewers); err != nil {
		t.Errorf("a plus address is another person: %v", err)
	}
	if got := w.list(t); !slices.Equal(got, []string{"nora.lind+kb@example.com", "Nora.Lind@Example.com"}) {
		t.Errorf("listed: %q", got)
	}
	if removed, err := w.managers.RemoveManager(t.Context(), w.tenant, "nora.lind@example.com"); err != nil || removed.ID != first.ID {
		t.Errorf("removed %+v (%v)", removed, err)
	}
	second, err := w.invite(t, "nora.lind@example.com", tenant.Viewers)
	if err != nil || second.ID == first.ID {
		t.Errorf("after her removal she is %+v (%v)", second, err)
	}
}

func TestGroupIsExactlyOne(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if _, err := w.invite(t, "nora@example.com", tenant.Viewers); err != nil {
		t.Fatal(err)
	}
	for _, group := range []tenant.ManagerGroup{tenant.Editors, tenant.Editors, tenant.Viewers} {
		changed, err := w.managers.ChangeManager(t.Context(), w.tenant, "nora@example.com", tenant.ManagerChange{Group: &group})
		if err != nil || changed.Group != group {
			t.Fatalf("made one of %s, she is %+v (%v)", group, changed, err)
		}
		got, err := w.cognito.AdminListGroupsForUser(t.Context(), &cognitoidentityprovider.AdminListGroupsForUserInput{UserPoolId: &w.pool, Username: aws.String("nora@example.com")})
		if err != nil || len(got.Groups) != 1 || *got.Groups[0].GroupName != string(group) {
			t.Errorf("in Cognito she is in %+v (%v), want %s alone", got, err, group)
		}
	}
}

func TestDisabledIsSignedOutAndMayComeBack(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if _, err := w.invite(t, "nora@example.com", tenant.Viewers); err != nil {
		t.Fatal(err)
	}
	w.chooses(t, "nora@example.com")
	for _, enabled := range []bool{false, false, true} {
		changed, err := w.managers.ChangeManager(t.Context(), w.tenant, "nora@example.com", tenant.ManagerChange{Enabled: &enabled})
		if err != nil || changed.Enabled != enabled || changed.Status != tenant.ManagerActive || changed.Group != tenant.Viewers {
			t.Errorf("enabled %t: %+v (%v)", enabled, changed, err)
		}
	}
	if _, err := w.invite(t, "nora@example.com", tenant.Viewers); !errors.Is(err, tenant.ErrManagerExists) {
		t.Errorf("an active manager is invited again: %v", err)
	}
}

// An invitation that broke off before its group was set is finished by the same request.
func TestBrokenInvitationIsMended(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, err := w.invite(t, "nora@example.com", tenant.Viewers)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.cognito.AdminRemoveUserFromGroup(t.Context(), &cognitoidentityprovider.AdminRemoveUserFromGroupInput{
		UserPoolId: &w.pool, Username: aws.String("nora@example.com"), GroupName: aws.String("viewers"),
	}); err != nil {
		t.Fatal(err)
	}
	list, err := w.managers.Managers(t.Context(), w.tenant)
	if err != nil || len(list) != 1 || list[0].Group != "" {
		t.Errorf("listed %+v (%v)", list, err)
	}
	again, err := w.invite(t, "nora@example.com", tenant.Editors)
	if err != nil || again.ID != first.ID || again.Group != tenant.Editors {
		t.Errorf("again she is %+v (%v)", again, err)
	}
}

func TestNobodyKnown(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if _, err := w.managers.RemoveManager(t.Context(), w.tenant, "nobody@example.com"); !errors.Is(err, tenant.ErrManagerUnknown) {
		t.Errorf("removed nobody: %v", err)
	}
	if _, err := w.managers.ChangeManager(t.Context(), w.tenant, "nobody@example.com", tenant.ManagerChange{}); !errors.Is(err, tenant.ErrManagerUnknown) {
		t.Errorf("changed nobody: %v", err)
	}
	if _, err := w.managers.Managers(t.Context(), tenant.Tenant{Slug: "nobuilt"}); !errors.Is(err, tenant.ErrNoPool) {
		t.Errorf("a tenant without a stack: %v", err)
	}
	stranger := over(testenv.AWSAs(t, "AKIASTRANGER", "wrong"), time.Now)
	if _, err := stranger.Managers(t.Context(), w.tenant); !errors.Is(err, problem.ErrUnavailable) {
		t.Errorf("where AWS lets nobody in: %v", err)
	}
}

// Her temporary password has expired after a week; one request sends a new one.
func TestExpiredInvitationIsSentAnew(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, err := w.invite(t, "nora@example.com", tenant.Viewers)
	if err != nil {
		t.Fatal(err)
	}
	for days, want := range map[int]tenant.ManagerStatus{6: tenant.ManagerInvited, 8: tenant.ManagerExpired} {
		later := w
		later.managers = over(testenv.AWS(t), func() time.Time { return time.Now().AddDate(0, 0, days) })
		list, err := later.managers.Managers(t.Context(), w.tenant)
		if err != nil || len(list) != 1 || list[0].Status != want {
			t.Errorf("after %d days: %+v (%v), want %s", days, list, err, want)
		}
		again, err := later.invite(t, "NORA@example.com", tenant.Editors)
		switch {
		case want == tenant.ManagerInvited && !errors.Is(err, tenant.ErrManagerExists):
			t.Errorf("after %d days she is invited beside herself: %v", days, err)
		case want == tenant.ManagerExpired && (err != nil || again.ID != first.ID || again.Group != tenant.Editors):
			t.Errorf("after %d days: %+v (%v)", days, again, err)
		}
	}
	w.chooses(t, "nora@example.com")
	later := over(testenv.AWS(t), func() time.Time { return time.Now().AddDate(0, 1, 0) })
	if list, err := later.Managers(t.Context(), w.tenant); err != nil || list[0].Status != tenant.ManagerActive {
		t.Errorf("who has chosen a password is %+v (%v) after a month", list, err)
	}
}
