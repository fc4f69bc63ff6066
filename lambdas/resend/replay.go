package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/archive"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

const (
	keysAtOnce = 100 // of a look into the bucket
	sendAtOnce = 50  // envelopes held in memory
)

// replay sends objects, one at least, until the time is over, the queue is full, or there are no more. An object that was
// begun is sent to its end, so that the cursor is a key.
func (h *Handler) replay(ctx context.Context, r Replay, until time.Time) (Answer, error) {
	at, after, err := r.begin()
	if err != nil {
		return Answer{}, err
	}
	answer, isLate := Answer{Cursor: r.Cursor}, false
	for ; at < len(r.Kinds); at++ {
		for {
			keys, err := h.Archive.Keys(ctx, r.Kinds[at], r.From, r.To, after, keysAtOnce)
			if err != nil {
				return answer, err
			}
			for _, key := range keys {
				full, err := h.isFull(ctx)
				if err != nil || full || isLate {
					answer.IsWaiting = full
					return answer, err
				}
				if err := h.resend(ctx, r, key, &answer); err != nil {
					return answer, err
				}
				after, answer.Cursor, answer.Share = key, key, r.share(at, key)
				isLate = !time.Now().Before(until)
			}
			if len(keys) < keysAtOnce {
				break
			}
		}
		after = ""
	}
	answer.Done, answer.Share = true, 1
	return answer, nil
}

// begin returns the kind and the key after which to go on.
func (r Replay) begin() (kind int, after string, err error) {
	if !known(r.Kinds) || !r.From.Before(r.To) {
		return 0, "", errRequest
	}
	if r.Cursor == "" {
		return 0, "", nil
	}
	kind = slices.IndexFunc(r.Kinds, func(k string) bool { return strings.HasPrefix(r.Cursor, archive.Folder(k)) })
	if kind < 0 {
		return 0, "", errCursor
	}
	return kind, r.Cursor, nil
}

// share is how much of the span is done when an object of a kind is: kinds count alike, hours within them too.
func (r Replay) share(kind int, key string) float64 {
	through := 0.0
	if hour, err := archive.Hour(r.Kinds[kind], key); err == nil {
		through = min(1, max(0, float64(hour.Sub(r.From))/float64(r.To.Sub(r.From))))
	}
	return (float64(kind) + through) / float64(len(r.Kinds))
}

// resend sends the envelopes of one object that the replay asks for. An object that is damaged is named, and what can be read
// of it is sent.
func (h *Handler) resend(ctx context.Context, r Replay, key string, answer *Answer) error {
	var batch []telemetry.Envelope
	flush := func() error {
		err := h.Queue.SendAll(ctx, batch)
		if err == nil {
			answer.Messages += len(batch)
			for _, e := range batch {
				answer.Records += len(e.Records)
			}
		}
		batch = batch[:0]
		return err
	}
	for e, err := range h.Archive.Read(ctx, key) {
		if archive.IsDamage(err) {
			answer.Damaged = append(answer.Damaged, key)
			break
		}
		if err != nil {
			return err
		}
		e, tooOld := r.wanted(e)
		answer.TooOld += tooOld
		if len(e.Records) == 0 {
			continue
		}
		if batch = append(batch, e); len(batch) == sendAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// wanted returns the envelope with the records that the replay asks for, marked, and how many were too old.
func (r Replay) wanted(e telemetry.Envelope) (telemetry.Envelope, int) {
	e.Replay = true
	if at := e.Ingest.ReceivedAt.Time(); at.Before(r.From) || !at.Before(r.To) {
		e.Records = nil
		return e, 0
	}
	all := len(e.Records)
	e.Records = slices.DeleteFunc(e.Records, func(record telemetry.Record) bool { return record.At.Time().Before(r.NotBefore) })
	return e, all - len(e.Records)
}
