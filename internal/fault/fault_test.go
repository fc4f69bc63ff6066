package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/earshot-hq/earshot/internal/fault"
)

var errSample = fault.New(fault.Conflict, "test.sample", "A sample.")

func TestFaultsAreComparedByCode(t *testing.T) {
	t.Parallel()
	wrapped := fmt.Errorf("doing: %w", errSample.With("Another sentence.").At("/slug"))
	if !errors.Is(wrapped, errSample) {
		t.Error("a fault with another sentence is no longer the same fault")
	}
	f, ok := fault.As(wrapped)
	if !ok || f.Detail != "Another sentence." || f.Fields[0].Pointer != "/slug" {
		t.Errorf("got %+v", f)
	}
	if errSample.Detail != "A sample." || errSample.Fields != nil {
		t.Error("With or At changed the declared fault")
	}
	if _, ok := fault.As(errors.New("other")); ok {
		t.Error("an ordinary error passes for a fault")
	}
}

func TestACodeIsDeclaredOnce(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a code was declared twice")
		}
	}()
	_ = fault.New(fault.Internal, "test.sample", "")
}
