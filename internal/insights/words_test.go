package insights_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/verdict"
)

func TestEverythingHasWords(t *testing.T) {
	t.Parallel()
	for _, id := range slices.Concat(insights.Verdicts, insights.Causes, insights.Findings) {
		if got := insights.Words(id); got == "" || strings.Contains(got, "_") || got == strings.ReplaceAll(id, "_", " ") {
			t.Errorf("%s is called %q", id, got)
		}
	}
	for _, cause := range insights.Causes {
		if len(insights.WhatToDo(verdict.Summary{LikelyCause: cause})) == 0 {
			t.Errorf("nothing helps against %s", cause)
		}
	}
	if got := insights.WhatToDo(verdict.Summary{}); got == nil || len(got) != 0 {
		t.Errorf("against nothing helps %q", got)
	}
	if got := insights.Words("a_new_one"); got != "a new one" {
		t.Errorf("got %q", got)
	}
}
