// Package fault holds the errors that a caller may see: a kind, a stable code and a sentence that says what to do.
// Any other error is internal: logged with its cause, shown without it.
package fault

import (
	"errors"
	"sync"
)

// Kind is what went wrong, in terms of the caller. Only package problem knows which HTTP status it becomes.
type Kind int

// The kinds.
const (
	Internal         Kind = iota // ours; the caller can only try again
	Malformed                    // the request cannot be read
	Invalid                      // the request is readable and wrong
	Unauthenticated              // nobody, or nobody we know
	Forbidden                    // somebody, who may not
	NotFound                     // there is no such thing, or not for this caller
	Conflict                     // at odds with the present state
	Precondition                 // If-Match does not match
	NoPrecondition               // If-Match is missing
	TooLarge                     // over a bound that is named in the sentence
	UnsupportedMedia             // not a known type or encoding
	Gone                         // was there; do not ask again
	Throttled                    // too many; ask later
	Unavailable                  // something that we need is not there; ask later
	MethodNotAllowed             // the path is known, the method is not
)

// A Fault is an error that a caller may see. Compare with errors.Is: two faults of one code are the same.
type Fault struct {
	Kind   Kind
	Code   string  // stable, never renamed nor reused: "tenant.slug_taken"
	Detail string  // a sentence for the caller
	Fields []Field // which members of the request, for Invalid
}

// A Field names a wrong member of a request.
type Field struct {
	Pointer string `json:"pointer"` // RFC 6901
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

var (
	mu       sync.Mutex
	declared = map[string]bool{} // codes; guarded by mu
)

// New declares a fault. It is called while packages initialise, and panics when the code is taken.
func New(kind Kind, code, detail string) *Fault {
	mu.Lock()
	defer mu.Unlock()
	if declared[code] {
		panic("fault: code declared twice: " + code)
	}
	declared[code] = true
	return &Fault{Kind: kind, Code: code, Detail: detail}
}

func (f *Fault) Error() string { return f.Code + ": " + f.Detail }

// Is reports whether target is a fault of the same code.
func (f *Fault) Is(target error) bool {
	other, ok := target.(*Fault)
	return ok && other.Code == f.Code
}

// With returns f with another sentence.
func (f *Fault) With(detail string) *Fault {
	changed := *f
	changed.Detail = detail
	return &changed
}

// At returns f naming the member that is wrong.
func (f *Fault) At(pointer string) *Fault {
	changed := *f
	changed.Fields = []Field{{Pointer: pointer, Code: f.Code, Detail: f.Detail}}
	return &changed
}

// As returns the fault in err's chain, and false when there is none.
func As(err error) (*Fault, bool) {
	var f *Fault
	ok := errors.As(err, &f)
	return f, ok
}
