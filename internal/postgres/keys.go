package postgres

import (
	"bytes"
	"context"
	"errors"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
)

// claimKey claims the write's idempotency key for this transaction. It returns the first answer when the key was used
// before with the same request; a caller at the same time waits here until the first one has its answer. When the first
// one fails, nothing is remembered and the next is the first.
func (t tx) claimKey(ctx context.Context, w operation.Write) (answer []byte, err error) {
	if w.Key == "" {
		return nil, nil
	}
	mine := dbsqlc.ForgetOldKeyParams{Subject: t.actor.Subject, Key: w.Key}
	if err := t.ForgetOldKey(ctx, mine); err != nil {
		return nil, err
	}
	claimed, err := t.ClaimKey(ctx, dbsqlc.ClaimKeyParams{Subject: mine.Subject, Key: mine.Key, RequestHash: w.Hash[:]})
	if err != nil || claimed == 1 {
		return nil, err
	}
	first, err := t.AnswerOfKey(ctx, dbsqlc.AnswerOfKeyParams(mine))
	if err != nil {
		return nil, err
	}
	switch {
	case !bytes.Equal(first.RequestHash, w.Hash[:]):
		return nil, operation.ErrKeyReused.At("/header/Idempotency-Key")
	case first.Answer == nil:
		return nil, errors.New("an idempotency key was kept without its answer")
	}
	return first.Answer, nil
}

// remember keeps the answer of the write that claimed its key.
func (t tx) remember(ctx context.Context, w operation.Write, started operation.Started) error {
	if w.Key == "" {
		return nil
	}
	answer, err := w.Render(started)
	if err != nil {
		return err
	}
	return t.RememberAnswer(ctx, dbsqlc.RememberAnswerParams{Answer: answer, Subject: t.actor.Subject, Key: w.Key})
}

// ForgetOldKeys removes the answers of writes that are older than a day, and returns how many. The actor's scope must be
// all.
func (db *DB) ForgetOldKeys(ctx context.Context, actor access.Actor) (removed int64, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		removed, err = t.ForgetOldKeys(ctx)
		return err
	})
	return removed, err
}
