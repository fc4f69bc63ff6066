package savedobjects_test

import (
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/savedobjects"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"earshot-overview": true, "A_b.c-1*": true, "*": true, strings.Repeat("x", 200): true,
		"": false, strings.Repeat("x", 201): false, "-a": false, "a..b": false, "a/b": false, "a b": false, "a\n": false, "é": false,
	} {
		if got := savedobjects.IsID(text); got != want {
			t.Errorf("%.30q of %d bytes is an id: %v", text, len(text), got)
		}
	}
}
