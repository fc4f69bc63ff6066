package main

import (
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/sink"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// A job is one message and what became of it.
type job struct {
	message   events.SQSMessage
	blocked   error                // why it was not even read; nil when it was
	unusable  string               // why the message as a whole is no envelope for us; empty when it is one
	envelope  telemetry.Envelope   // without what is erased
	erased    int                  // records
	refusals  []telemetry.Refusal  // records that can be no document
	documents []telemetry.Document // of the other records, in order
	from      int                  // of the documents among those of all messages
	outcomes  []sink.Outcome       // of the documents
	aside     []queue.Letter       // dead letters written

	isUnarchived bool // the archive did not take it
	isUnasked    bool // its call's summary could not be asked for
}

// read decodes the job's message. What is erased of it goes neither to search nor to the archive nor to the dead letters.
func (h *Handler) read(j *job, erasures telemetry.Erasures) {
	envelope, err := queue.Decode(j.message.Body)
	switch {
	case err != nil:
		j.unusable = err.Error()
	case envelope.Tenant != h.Tenant:
		j.unusable = fmt.Sprintf("the envelope is of tenant %q", envelope.Tenant)
	default:
		j.envelope, j.erased = erasures.Apply(envelope)
		j.documents, j.refusals = telemetry.Documents(j.envelope, h.Periods)
	}
}

func (j *job) mustRetry() bool { return j.retryType() != "" }

// retryType returns the kind of the first failure that may pass, or nothing.
func (j *job) retryType() string {
	if j.blocked != nil {
		return j.blocked.Error()
	}
	if j.isUnarchived {
		return "archive"
	}
	if j.isUnasked {
		return "summary"
	}
	for _, o := range j.outcomes {
		if o.Verdict == sink.Retry {
			return "retry " + o.Type
		}
	}
	return ""
}

// indexed returns how many of the documents search has.
func (j *job) indexed() (n int) {
	for _, o := range j.outcomes {
		if o.Verdict == sink.Done {
			n++
		}
	}
	return n
}

// letters returns the dead letters of a message: the message itself when it is unusable, else one for each record that is
// refused for good.
func (j *job) letters() ([]queue.Letter, error) {
	if j.unusable != "" {
		return []queue.Letter{{Body: j.message.Body, Code: "undecodable", Reason: j.unusable}}, nil
	}
	var letters []queue.Letter
	add := func(record int, code, reason string) error {
		letter, err := queue.LetterOf(j.envelope, record, code, reason)
		letters = append(letters, letter)
		return err
	}
	isRefused := make(map[int]bool, len(j.refusals))
	for _, r := range j.refusals {
		isRefused[r.Index] = true
		if err := add(r.Index, r.Code, r.Detail); err != nil {
			return nil, err
		}
	}
	next := 0 // the document of the record
	for record := range j.envelope.Records {
		if isRefused[record] {
			continue
		}
		if o := j.outcomes[next]; o.Verdict == sink.Refused {
			if err := add(record, o.Type, o.Reason); err != nil {
				return nil, err
			}
		}
		next++
	}
	return letters, nil
}
