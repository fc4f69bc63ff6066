package managers

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// undoTime is how long taking back an invitation may take that broke off.
const undoTime = 3 * time.Second

// Invite implements tenant.Managers.
func (m *Managers) Invite(ctx context.Context, t tenant.Tenant, i tenant.Invitation) (made tenant.Manager, err error) {
	err = m.in(ctx, t, func(ctx context.Context, p pool) error {
		found, err := p.find(ctx, i.Address.Key)
		switch {
		case errors.Is(err, tenant.ErrManagerUnknown):
			err = p.invite(ctx, i)
		case err != nil:
		case found.Status == tenant.ManagerExpired, found.Status == tenant.ManagerInvited && found.Group == "":
			err = p.inviteAgain(ctx, i, found)
		default:
			err = tenant.ErrManagerExists.At("/email")
		}
		if err != nil {
			return err
		}
		made, err = p.find(ctx, i.Address.Key)
		return err
	})
	return made, err
}

// invite makes the user. One whose group could not be set is taken back: nobody would know what they may do.
func (p pool) invite(ctx context.Context, i tenant.Invitation) error {
	described, err := p.api.DescribeUserPool(ctx, &cognitoidentityprovider.DescribeUserPoolInput{UserPoolId: &p.id})
	if err != nil {
		return p.said("count the users", err)
	}
	if described.UserPool.EstimatedNumberOfUsers >= tenant.MostManagers {
		return tenant.ErrTooManyPeople
	}
	key := i.Address.Key
	if _, err := p.api.AdminCreateUser(ctx, &cognitoidentityprovider.AdminCreateUserInput{
		UserPoolId: &p.id, Username: &key, DesiredDeliveryMediums: []types.DeliveryMediumType{types.DeliveryMediumTypeEmail},
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: &key}, {Name: aws.String("email_verified"), Value: aws.String("true")},
			{Name: aws.String(writtenAs), Value: aws.String(i.Address.Written)},
		},
	}); err != nil {
		return p.said("create a user", err)
	}
	if err := p.join(ctx, key, i.Group); err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
		defer cancel()
		_, undone := p.api.AdminDeleteUser(undo, &cognitoidentityprovider.AdminDeleteUserInput{UserPoolId: &p.id, Username: &key})
		return errors.Join(err, undone)
	}
	return nil
}

// inviteAgain sends a new temporary password.
func (p pool) inviteAgain(ctx context.Context, i tenant.Invitation, found tenant.Manager) error {
	if err := p.move(ctx, i.Address.Key, found.Group, i.Group); err != nil {
		return err
	}
	_, err := p.api.AdminCreateUser(ctx, &cognitoidentityprovider.AdminCreateUserInput{
		UserPoolId: &p.id, Username: &i.Address.Key, MessageAction: types.MessageActionTypeResend,
		DesiredDeliveryMediums: []types.DeliveryMediumType{types.DeliveryMediumTypeEmail},
	})
	if err != nil {
		return p.said("send an invitation again to a user", err)
	}
	return nil
}

// ChangeManager implements tenant.Managers.
func (m *Managers) ChangeManager(ctx context.Context, t tenant.Tenant, key string, c tenant.ManagerChange) (changed tenant.Manager, err error) {
	err = m.in(ctx, t, func(ctx context.Context, p pool) error {
		found, err := p.find(ctx, key)
		if err != nil {
			return err
		}
		if c.Group != nil {
			if err := p.move(ctx, key, found.Group, *c.Group); err != nil {
				return err
			}
		}
		if c.Enabled != nil && *c.Enabled != found.Enabled {
			if err := p.enable(ctx, key, *c.Enabled); err != nil {
				return err
			}
		}
		changed, err = p.find(ctx, key)
		if err == nil && (changed.Group != found.Group || !changed.Enabled && found.Enabled) {
			err = p.signOut(ctx, key)
		}
		return err
	})
	return changed, err
}

// RemoveManager implements tenant.Managers.
func (m *Managers) RemoveManager(ctx context.Context, t tenant.Tenant, key string) (removed tenant.Manager, err error) {
	err = m.in(ctx, t, func(ctx context.Context, p pool) error {
		if removed, err = p.find(ctx, key); err != nil {
			return err
		}
		if err := p.signOut(ctx, key); err != nil {
			return err
		}
		if _, err := p.api.AdminDeleteUser(ctx, &cognitoidentityprovider.AdminDeleteUserInput{UserPoolId: &p.id, Username: &key}); err != nil {
			return p.said("delete a user", err)
		}
		return nil
	})
	return removed, err
}

// move changes the group. The old one goes first: in both, the gateway would let the person do nothing, in none neither, and
// the same request again mends it.
func (p pool) move(ctx context.Context, key string, from, to tenant.ManagerGroup) error {
	for _, group := range []tenant.ManagerGroup{tenant.Viewers, tenant.Editors} {
		if group == to || from == "" {
			continue
		}
		if _, err := p.api.AdminRemoveUserFromGroup(ctx, &cognitoidentityprovider.AdminRemoveUserFromGroupInput{
			UserPoolId: &p.id, Username: &key, GroupName: aws.String(string(group)),
		}); err != nil {
			return p.said("take a group from a user", err)
		}
	}
	return p.join(ctx, key, to)
}

func (p pool) join(ctx context.Context, key string, group tenant.ManagerGroup) error {
	if _, err := p.api.AdminAddUserToGroup(ctx, &cognitoidentityprovider.AdminAddUserToGroupInput{
		UserPoolId: &p.id, Username: &key, GroupName: aws.String(string(group)),
	}); err != nil {
		return p.said("give a group to a user", err)
	}
	return nil
}

func (p pool) enable(ctx context.Context, key string, enabled bool) (err error) {
	if enabled {
		_, err = p.api.AdminEnableUser(ctx, &cognitoidentityprovider.AdminEnableUserInput{UserPoolId: &p.id, Username: &key})
	} else {
		_, err = p.api.AdminDisableUser(ctx, &cognitoidentityprovider.AdminDisableUserInput{UserPoolId: &p.id, Username: &key})
	}
	if err != nil {
		return p.said("switch a user", err)
	}
	return nil
}

// signOut ends all sessions: what the gateway refreshes next is refused.
func (p pool) signOut(ctx context.Context, key string) error {
	if _, err := p.api.AdminUserGlobalSignOut(ctx, &cognitoidentityprovider.AdminUserGlobalSignOutInput{UserPoolId: &p.id, Username: &key}); err != nil {
		return p.said("end the sessions of a user", err)
	}
	return nil
}
