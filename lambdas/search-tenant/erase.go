package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/earshot-hq/earshot/internal/agentstore"
	"github.com/earshot-hq/earshot/internal/archive"
	"github.com/earshot-hq/earshot/internal/erasures"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// An Eraser takes one agent out of all that a tenant has. It does a part at a time and no longer than ChunkTime, and answers
// counts: neither its log nor its errors name anybody.
type Eraser struct {
	Account   aws.Config
	Stacks    *cloudformation.Client
	Buckets   *s3.Client
	Queues    *sqs.Client
	Holding   func(ctx context.Context, s slug.Slug) ([]Search, error)
	ChunkTime time.Duration
	HideTime  time.Duration // of a letter that was looked at, from the next look: longer than a look at all of them
}

// Erased is what one call for one part did.
type Erased struct {
	Cursor  string `json:"cursor"`  // where the next call goes on
	Removed int    `json:"removed"` // documents, records of the archive, entries of directories, dead letters
	Waiting int    `json:"waiting"` // messages in the tenant's queues, of part queue; letters that are hidden, of part letters
	Done    bool   `json:"done"`    // the part is done
}

// erasure is a request: everything of the agent up to an instant.
type erasure struct {
	about
	Part    string            `json:"part"`
	Agent   string            `json:"agent"`
	Subject telemetry.Subject `json:"subject"` // stands for the agent in what stays
	Before  time.Time         `json:"before"`
	Cursor  string            `json:"cursor"`

	slug    slug.Slug
	outputs map[string]string // of the tenant's stack
	until   time.Time
}

func (r erasure) before() telemetry.Instant { return telemetry.InstantOf(r.Before) }

var (
	errErase = errors.New(`erase takes {"part": "note"|"queue"|"documents"|"archive"|"directory"|"letters", "agent", "subject", "before", "cursor"}`)
	errStack = errors.New("the tenant has no stack, or an older one: update it first")
)

func (h *Handler) erase(ctx context.Context, s slug.Slug, event json.RawMessage) (any, error) {
	r := erasure{slug: s}
	if err := strictly(event, &r); err != nil {
		return nil, err
	}
	if _, err := telemetry.ParseSubject(string(r.Subject)); err != nil || !telemetry.IsAgentName(r.Agent) || r.Before.IsZero() || r.Before.After(time.Now()) {
		return nil, errErase
	}
	answer, err := h.Eraser.do(ctx, r)
	slog.InfoContext(ctx, "erase", "tenant", s, "subject", r.Subject, "part", r.Part, "removed", answer.Removed, "waiting", answer.Waiting, "done", answer.Done)
	return answer, err
}

func (e *Eraser) do(ctx context.Context, r erasure) (Erased, error) {
	part, isKnown := map[string]func(context.Context, erasure) (Erased, error){
		"note": e.note, "documents": e.documents, "archive": e.archive, "directory": e.directory, "letters": e.letters, "queue": e.queue,
	}[r.Part]
	if !isKnown {
		return Erased{}, errErase
	}
	var err error
	if r.outputs, err = e.outputs(ctx, r.slug); err != nil {
		return Erased{}, err
	}
	r.until = time.Now().Add(e.ChunkTime)
	return part(ctx, r)
}

// outputs returns those of the tenant's stack, whose bucket and queues they name.
func (e *Eraser) outputs(ctx context.Context, s slug.Slug) (map[string]string, error) {
	found, err := e.Stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(s.StackName())})
	if err != nil {
		return nil, fmt.Errorf("describe stack %s: %w", s.StackName(), err)
	}
	outputs := map[string]string{}
	for _, output := range found.Stacks[0].Outputs {
		outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
	}
	if outputs["DataBucket"] == "" || outputs["QueueUrl"] == "" || outputs["DeadLetterQueueUrl"] == "" {
		return nil, errStack
	}
	return outputs, nil
}

// note makes the indexer stop what is on its way.
func (e *Eraser) note(ctx context.Context, r erasure) (Erased, error) {
	err := erasures.New(e.Buckets, r.outputs["DataBucket"], "", 0).Note(ctx, r.Subject, r.before())
	return Erased{Done: err == nil}, err
}

func (e *Eraser) documents(ctx context.Context, r erasure) (Erased, error) {
	searches, err := e.Holding(ctx, r.slug)
	if err != nil {
		return Erased{}, err
	}
	answer := Erased{Done: true}
	for _, search := range searches {
		deleted, done, err := search.Admin.EraseAgent(ctx, r.slug, r.Agent, r.Before, r.until)
		answer.Removed += deleted
		if err != nil {
			return answer, err
		}
		answer.Done = answer.Done && done
	}
	return answer, nil
}

// objectsAtOnce is how many objects of the archive are listed at a time.
const objectsAtOnce = 100

// archive rewrites the objects that hold lines of the agent. The cursor is the last object that was looked at, one at least a call:
// where listing alone takes all the time, the next call comes further still.
func (e *Eraser) archive(ctx context.Context, r erasure) (Erased, error) {
	kept := archive.New(e.Buckets, r.outputs["DataBucket"])
	doomed := func(envelope telemetry.Envelope, record telemetry.Record) bool {
		return telemetry.Erased(envelope, record, r.Agent, r.before())
	}
	from, after, _ := strings.Cut(r.Cursor, " ")
	kinds := telemetry.Measured
	answer := Erased{Cursor: r.Cursor}
	for _, kind := range kinds[max(0, slices.Index(kinds, from)):] {
		for {
			keys, err := kept.Keys(ctx, kind, time.Time{}, time.Now().Add(time.Hour), after, objectsAtOnce)
			if err != nil {
				return answer, err
			}
			for _, key := range keys {
				removed, err := kept.Remove(ctx, key, doomed)
				if answer.Removed += removed; err != nil {
					return answer, err
				}
				after, answer.Cursor = key, kind+" "+key
				if !time.Now().Before(r.until) {
					return answer, nil
				}
			}
			if len(keys) < objectsAtOnce {
				break
			}
		}
		after = ""
	}
	answer.Done = true
	return answer, nil
}

// directory takes the agent out of the directories of all Connect instances. Where Connect still has the agent, the next run
// brings the entry back.
func (e *Eraser) directory(ctx context.Context, r erasure) (Erased, error) {
	directories := agentstore.NewWriter(e.Account, r.outputs["DataBucket"])
	aliases, err := directories.Aliases(ctx)
	if err != nil {
		return Erased{}, err
	}
	answer := Erased{}
	for _, alias := range aliases {
		removed, err := directories.Remove(ctx, alias, r.Agent)
		if answer.Removed += removed; err != nil {
			return answer, err
		}
	}
	answer.Done = true
	return answer, nil
}

// letters takes the agent's records out of the dead-letter queue. It begins when all letters can be seen: those that somebody
// looked at before are hidden for a while. Its cursor counts the letters that it looked at and left: when more are hidden in the
// end, an answer with letters was lost on its way, or somebody else looks, and it begins again.
func (e *Eraser) letters(ctx context.Context, r erasure) (Erased, error) {
	letters, answer := queue.NewDeadLetters(e.Queues, r.outputs["DeadLetterQueueUrl"]), Erased{}
	left, err := strconv.Atoi(r.Cursor)
	if err != nil {
		hidden, err := letters.Hidden(ctx)
		if err != nil || hidden > 0 {
			return Erased{Waiting: hidden}, err
		}
	}
	for time.Now().Before(r.until) {
		seen, err := letters.Sift(ctx, e.HideTime, func(body string) (string, bool) {
			rest, removed := r.sift(body)
			if removed == 0 {
				left++
			}
			answer.Removed += removed
			return rest, removed > 0
		})
		if err != nil {
			return answer, err
		}
		if seen > 0 {
			continue
		}
		hidden, err := letters.Hidden(ctx)
		if err != nil {
			return answer, err
		}
		if hidden > left {
			answer.Waiting = hidden
			return answer, nil
		}
		answer.Done = true
		break
	}
	answer.Cursor = strconv.Itoa(left)
	return answer, nil
}

// sift returns what stays of a letter, and how many records go. A letter that is no envelope goes when it holds the name.
func (r erasure) sift(body string) (rest string, removed int) {
	envelope, err := queue.Decode(body)
	if err != nil {
		if strings.Contains(body, r.Agent) {
			return "", 1
		}
		return body, 0
	}
	kept := slices.DeleteFunc(slices.Clone(envelope.Records), func(record telemetry.Record) bool {
		return telemetry.Erased(envelope, record, r.Agent, r.before())
	})
	removed = len(envelope.Records) - len(kept)
	if envelope.Records = kept; removed == 0 || len(kept) == 0 {
		return "", removed
	}
	if rest, err = queue.Encode(envelope); err != nil {
		return body, 0
	}
	return rest, removed
}

// queue counts the messages that wait in the tenant's queues: what may still be on its way.
func (e *Eraser) queue(ctx context.Context, r erasure) (Erased, error) {
	answer := Erased{Done: true}
	for name, url := range r.outputs {
		if !strings.HasSuffix(name, "QueueUrl") || name == "DeadLetterQueueUrl" {
			continue
		}
		n, err := e.count(ctx, url, types.QueueAttributeNameApproximateNumberOfMessages,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible, types.QueueAttributeNameApproximateNumberOfMessagesDelayed)
		if err != nil {
			return Erased{}, err
		}
		answer.Waiting += n
	}
	return answer, nil
}

// count adds up some of a queue's counts of messages.
func (e *Eraser) count(ctx context.Context, url string, names ...types.QueueAttributeName) (sum int, err error) {
	found, err := e.Queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(url), AttributeNames: names})
	if err != nil {
		return 0, fmt.Errorf("count the messages of %s: %w", url, err)
	}
	for _, name := range names {
		n, err := strconv.Atoi(found.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("count the messages of %s: %w", url, err)
		}
		sum += n
	}
	return sum, nil
}
