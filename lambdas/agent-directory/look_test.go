package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/connectapi"
	"github.com/earshot-hq/earshot/internal/panel"
)

const (
	origin   = "https://d111111abcdef8.cloudfront.net"
	panelURL = "https://leeds.my.connect.aws/ccp-v2"
	lookAt   = `{"alias":"","look":{"alias":"leeds","origin":"` + origin + `","panelUrl":"` + panelURL + `"}}`
)

func TestLook(t *testing.T) {
	t.Parallel()
	approved := []string{"https://other.example.com", "https://D111111abcdef8.cloudfront.net/"}
	for name, row := range map[string]struct {
		setup connectapi.Setup
		panel error
		want  agents.Seen
	}{
		"all is done":               {setup: connectapi.Setup{Origins: approved}},
		"the origin is not there":   {setup: connectapi.Setup{Origins: approved[:1]}, want: agents.Seen{Origin: agents.OriginMissing}},
		"an origin that begins so":  {setup: connectapi.Setup{Origins: []string{origin + ".example.com"}}, want: agents.Seen{Origin: agents.OriginMissing}},
		"no role of the customer's": {setup: connectapi.Setup{Directory: agents.ErrRoleRefused, Unlisted: agents.ErrRoleRefused}, want: agents.Seen{Directory: "directory.role_refused", Origin: "directory.role_refused"}},
		"an earlier template":       {setup: connectapi.Setup{Unlisted: fmt.Errorf("list: %w", agents.ErrAccessDenied)}, want: agents.Seen{Origin: "directory.access_denied"}},
		"something of ours":         {setup: connectapi.Setup{Directory: errors.New("a secret"), Origins: approved}, want: agents.Seen{Directory: "directory.unavailable"}},
		"a host that is not there":  {setup: connectapi.Setup{Origins: approved}, panel: fmt.Errorf("%w (x)", panel.ErrNoHost), want: agents.Seen{Panel: agents.PanelNoHost}},
		"a foreign host":            {setup: connectapi.Setup{Origins: approved}, panel: panel.ErrElsewhere, want: agents.Seen{Panel: agents.PanelElsewhere}},
		"a panel that is not there": {setup: connectapi.Setup{Origins: approved}, panel: panel.ErrRefused, want: agents.Seen{Panel: agents.PanelRefused}},
		"a panel in trouble":        {setup: connectapi.Setup{Origins: approved}, panel: panel.ErrTrouble, want: agents.Seen{Panel: agents.PanelAiling}},
		"silence":                   {setup: connectapi.Setup{Origins: approved}, panel: panel.ErrNoAnswer, want: agents.Seen{Panel: agents.PanelNoAnswer}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "acme", "leeds")
			b.reader.setup, b.panels.err = row.setup, row.panel
			answer, err := b.Handle(t.Context(), json.RawMessage(lookAt))
			if err != nil || answer.Seen == nil || *answer.Seen != row.want || len(answer.Runs) != 0 {
				t.Errorf("%+v of %+v, %v", answer.Seen, answer, err)
			}
			if len(b.reader.asked) != 1 || b.reader.asked[0].RoleARN != "arn:aws:iam::111122223333:role/r-leeds" || b.reader.asked[0].ExternalID != "KDPQ3MSE" ||
				!slices.Equal(b.panels.asked, []string{panelURL}) || b.reader.left <= 0 || b.reader.left > lookTime {
				t.Errorf("asked %+v and %v, with %s", b.reader.asked, b.panels.asked, b.reader.left)
			}
			if len(b.store.kept)+len(b.store.statuses) > 0 {
				t.Errorf("a look keeps %v %v", b.store.kept, b.store.statuses)
			}
		})
	}
}

// Whose role is assumed is the stack's to say: a request that names one, or an instance of another tenant, enters nowhere.
func TestAttackALookByAnotherRole(t *testing.T) {
	t.Parallel()
	b := setup(t, "acme")
	for _, event := range []string{
		`{"look":{"alias":"beta","panelUrl":"` + panelURL + `"}}`,
		`{"look":{"alias":"","roleArn":"arn:aws:iam::999999999999:role/x","arn":"arn:aws:connect:eu-west-2:999999999999:instance/x"}}`,
	} {
		answer, err := b.Handle(t.Context(), json.RawMessage(event))
		if err != nil || answer.Seen == nil || answer.Seen.Directory != agents.NoRole || answer.Seen.Origin != agents.NoRole {
			t.Errorf("%s: %+v, %v", event, answer.Seen, err)
		}
	}
	if len(b.reader.asked) > 0 {
		t.Errorf("asked %+v", b.reader.asked)
	}
}

func TestALookWithoutAnOrigin(t *testing.T) {
	t.Parallel()
	b := setup(t, "acme")
	answer, err := b.Handle(t.Context(), json.RawMessage(`{"alias":"","look":{"alias":"acme"}}`))
	if err != nil || answer.Seen.Origin != agents.OriginUnknown {
		t.Errorf("%+v, %v", answer.Seen, err)
	}
}
