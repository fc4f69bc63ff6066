package connectapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/services/simulator/fakeconnect"
)

func TestSetupAsksForOneAgentAndForEveryOrigin(t *testing.T) {
	t.Parallel()
	b := setup(t, 12_000)
	var approved []string
	for n := range 60 {
		approved = append(approved, fmt.Sprintf("https://page%d.example.com", n))
	}
	if err := b.connect.SetOrigins(instanceARN, approved); err != nil {
		t.Fatal(err)
	}
	found := b.Setup(t.Context(), b.from)
	if found.Directory != nil || found.Unlisted != nil || !slices.Equal(found.Origins, approved) {
		t.Errorf("found %+v", found)
	}
	var asked []string
	for _, call := range b.connect.Calls() {
		asked = append(asked, call.Operation)
		if !call.IsSession {
			t.Errorf("%+v", call)
		}
	}
	if got := strings.Join(asked, " "); got != "SearchUsers ListApprovedOrigins ListApprovedOrigins ListApprovedOrigins" {
		t.Errorf("asked %s", got)
	}
}

// Each of the two is known though the other is not.
func TestSetupSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change              func(*bundle)
		directory, unlisted error
	}{
		"an earlier template": {change: func(b *bundle) {
			b.connect.SetFault(fakeconnect.Fault{Operation: "ListApprovedOrigins", Code: "AccessDeniedException"})
		}, unlisted: agents.ErrAccessDenied},
		"no right to list agents": {change: func(b *bundle) {
			b.connect.SetFault(fakeconnect.Fault{Operation: "SearchUsers", Code: "AccessDeniedException"})
		}, directory: agents.ErrAccessDenied},
		"another external id": {
			change:    func(b *bundle) { b.from.ExternalID = "ANOTHERID" },
			directory: agents.ErrRoleRefused, unlisted: agents.ErrRoleRefused,
		},
		"another instance": {
			change:    func(b *bundle) { b.from.ARN = strings.Replace(instanceARN, "acbe", "acbf", 1) },
			directory: agents.ErrInstanceUnknown, unlisted: agents.ErrInstanceUnknown,
		},
		"throttled throughout": {
			change:    func(b *bundle) { b.connect.SetFault(fakeconnect.Fault{Throttle: 100}) },
			directory: agents.ErrThrottled, unlisted: agents.ErrThrottled,
		},
		"nobody works there yet": {change: func(b *bundle) {
			if err := b.connect.SetInstance(instanceARN, 0); err != nil {
				panic(err)
			}
		}, directory: agents.ErrEmpty},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 3)
			row.change(&b)
			found := b.Setup(t.Context(), b.from)
			if !errors.Is(found.Directory, row.directory) || !errors.Is(found.Unlisted, row.unlisted) {
				t.Errorf("directory %v, origins %v", found.Directory, found.Unlisted)
			}
		})
	}
}
