package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
)

// AddKey implements access.Keys.
func (db *DB) AddKey(ctx context.Context, actor access.Actor, d access.KeyDraft) (key access.Key, secret access.Secret, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		many, err := t.CountKeys(ctx)
		switch {
		case err != nil:
			return err
		case many >= access.MostKeys:
			return access.ErrManyKeys
		}
		scope := actor.Scope
		if len(d.Tenants) > 0 {
			ids, err := t.TenantsHolding(ctx, d.Tenants)
			switch {
			case err != nil:
				return err
			case len(ids) != len(d.Tenants):
				return access.ErrKeyTenants.At("/tenants")
			}
			scope = access.Scope{TenantIDs: ids}
		}
		id := uuid.NewString()
		var prefix string
		var hash []byte
		secret, prefix, hash = access.NewSecret()
		if err := t.AddKey(ctx, dbsqlc.AddKeyParams{
			ID: id, Name: d.Name, Prefix: prefix, SecretHash: hash, Role: string(access.Lower(d.Role, actor.Role)), ScopeAll: scope.All,
			TenantIds: idList(scope.TenantIDs), MadeBy: actor.Subject, Days: int32(d.Days),
		}); err != nil {
			return err
		}
		if key, err = t.keyByID(ctx, id); err != nil {
			return err
		}
		return t.audit(ctx, audited{target: "api-keys/" + id, action: "keys.add", after: shownKey(key)})
	})
	return key, secret, err
}

// RotateKey implements access.Keys.
func (db *DB) RotateKey(ctx context.Context, actor access.Actor, id string, overlapHours int) (key access.Key, secret access.Secret, err error) {
	err = db.changeKey(ctx, actor, id, "keys.rotate", func(ctx context.Context, t tx) (rows int64, err error) {
		var prefix string
		var hash []byte
		secret, prefix, hash = access.NewSecret()
		if rows, err = t.RotateKey(ctx, dbsqlc.RotateKeyParams{ID: id, Prefix: prefix, SecretHash: hash, OverlapHours: int32(overlapHours)}); err != nil || rows == 0 {
			return rows, err
		}
		key, err = t.keyByID(ctx, id)
		return rows, err
	})
	return key, secret, err
}

// RevokeKey implements access.Keys.
func (db *DB) RevokeKey(ctx context.Context, actor access.Actor, id string) error {
	return db.changeKey(ctx, actor, id, "keys.delete", func(ctx context.Context, t tx) (int64, error) { return t.RevokeKey(ctx, id) })
}

func (db *DB) changeKey(ctx context.Context, actor access.Actor, id, action string, change func(context.Context, tx) (int64, error)) error {
	if !isUUID(id) {
		return access.ErrNoKey
	}
	return db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		before, err := t.keyByID(ctx, id)
		if err != nil {
			return err
		}
		switch rows, err := change(ctx, t); {
		case err != nil:
			return err
		case rows == 0:
			return access.ErrNoKey
		}
		return t.audit(ctx, audited{target: "api-keys/" + id, action: action, before: shownKey(before)})
	})
}

// shownKey is what the audit tells of a key.
func shownKey(k access.Key) map[string]any {
	return map[string]any{
		"name": k.Name, "prefix": k.Prefix, "role": k.Role, "all_tenants": k.Scope.All, "tenant_ids": k.Scope.TenantIDs, "expires_at": k.ExpiresAt,
	}
}

// ListKeys implements access.Keys.
func (db *DB) ListKeys(ctx context.Context, actor access.Actor) (list []access.Key, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		rows, err := t.Keys(ctx)
		list = make([]access.Key, 0, len(rows))
		for _, row := range rows {
			list = append(list, keyFrom(row.ApiKey, row.Maker))
		}
		return err
	})
	return list, err
}

func (t tx) keyByID(ctx context.Context, id string) (access.Key, error) {
	row, err := t.KeyByID(ctx, id)
	if err != nil {
		return access.Key{}, orNotFound(err, access.ErrNoKey)
	}
	return keyFrom(row.ApiKey, row.Maker), nil
}

func keyFrom(k dbsqlc.ApiKey, maker *string) access.Key {
	key := access.Key{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix, Role: access.Role(k.Role), Scope: access.Scope{All: k.ScopeAll, TenantIDs: k.TenantIds},
		MadeBy: k.MadeBy, CreatedAt: k.CreatedAt.UTC(), ExpiresAt: k.ExpiresAt.UTC(),
	}
	if maker != nil && *maker != "" {
		key.MadeBy = *maker
	}
	if k.LastUsedAt != nil {
		key.LastUsedAt = k.LastUsedAt.UTC()
	}
	if k.PreviousUntil != nil && k.PreviousUntil.After(time.Now()) {
		key.PreviousUntil = k.PreviousUntil.UTC()
	}
	return key
}

// recognition is who looks a caller up, before there is an actor.
var recognition = access.Actor{Subject: "sign-in", Role: access.System, Scope: access.Scope{All: true}}

// KeyActor implements access.Keys.
func (db *DB) KeyActor(ctx context.Context, secret access.Secret) (actor access.Actor, err error) {
	prefix, ok := secret.Prefix()
	if !ok {
		return actor, access.ErrUnauthenticated
	}
	err = db.inTx(ctx, recognition, func(ctx context.Context, t tx) error {
		k, err := t.KeyOfPrefix(ctx, prefix)
		if err != nil {
			return orNotFound(err, access.ErrUnauthenticated)
		}
		hash := k.SecretHash
		if k.Prefix != prefix {
			if !k.PreviousCounts {
				return access.ErrUnauthenticated
			}
			hash = k.PreviousSecretHash
		}
		if !secret.Matches(hash) {
			return access.ErrUnauthenticated
		}
		actor = access.Actor{
			Subject: access.KeySubject + k.ID, Name: k.Name, Role: access.Lower(access.Role(k.Role), access.Role(k.MakerRole)),
			Scope: access.Both(access.Scope{All: k.ScopeAll, TenantIDs: k.TenantIds}, access.Scope{All: k.MakerScopeAll, TenantIDs: k.MakerTenantIds}),
		}
		return t.UseKey(ctx, k.ID)
	})
	if err != nil {
		return access.Actor{}, err
	}
	return actor, nil
}

// Seen implements access.Keys.
func (db *DB) Seen(ctx context.Context, actor access.Actor) error {
	return db.inTx(ctx, recognition, func(ctx context.Context, t tx) error {
		disabled, err := t.SeeAdmin(ctx, dbsqlc.SeeAdminParams{
			Subject: actor.Subject, Name: plain(actor.Name), Role: string(actor.Role), ScopeAll: actor.Scope.All, TenantIds: idList(actor.Scope.TenantIDs),
		})
		if err == nil && disabled {
			return access.ErrDisabled
		}
		return err
	})
}

// Admins implements access.Keys.
func (db *DB) Admins(ctx context.Context, actor access.Actor) (list []access.Admin, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		rows, err := t.Admins(ctx)
		list = make([]access.Admin, 0, len(rows))
		for _, row := range rows {
			one := access.Admin{Subject: row.Subject, Name: row.Name, Role: access.Role(row.Role), SeenAt: row.SeenAt.UTC()}
			if row.DisabledAt != nil {
				one.DisabledAt = row.DisabledAt.UTC()
			}
			list = append(list, one)
		}
		return err
	})
	return list, err
}

// SetDisabled implements access.Keys.
func (db *DB) SetDisabled(ctx context.Context, actor access.Actor, subject string, disabled bool) error {
	if disabled && subject == actor.Subject {
		return access.ErrDisableMyself
	}
	return db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		change, action := t.EnableAdmin, "admins.enable"
		if disabled {
			change, action = t.DisableAdmin, "admins.disable"
		}
		rows, err := change(ctx, plain(subject))
		switch {
		case err != nil:
			return fmt.Errorf("change admin: %w", err)
		case rows == 0:
			return access.ErrNoAdmin
		}
		return t.audit(ctx, audited{target: cut("admins/"+subject, maxTarget), action: action})
	})
}

// idList is an empty list instead of none, which a column that is never null takes.
func idList(ids []string) []string { return append([]string{}, ids...) }
