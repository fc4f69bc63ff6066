package connectapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/sendonce"
	"github.com/earshot-hq/earshot/services/simulator/fakeconnect"
)

const (
	instanceARN = "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-00000000acbe"
	roleARN     = "arn:aws:iam::111122223333:role/earshot-connect"
	externalID  = "KDPQ3MSE"
)

// assume answers AssumeRole for one role and external id, as AWS does; the trust policy itself is tried against the emulator.
func assume(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("Action") != "AssumeRole" || r.FormValue("RoleArn") != roleARN || r.FormValue("ExternalId") != externalID {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>`)
		return
	}
	_, _ = fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAEARSHOTSESSION00</AccessKeyId>
		<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials>
		</AssumeRoleResult></AssumeRoleResponse>`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

type bundle struct {
	*Reader
	connect *fakeconnect.Connect
	from    Instance
}

func setup(t *testing.T, howMany int) bundle {
	t.Helper()
	connect := fakeconnect.New()
	if err := connect.SetInstance(instanceARN, howMany); err != nil {
		t.Fatal(err)
	}
	api, tokens := httptest.NewServer(connect), httptest.NewServer(http.HandlerFunc(assume))
	t.Cleanup(api.Close)
	t.Cleanup(tokens.Close)
	account := aws.Config{
		Region: "eu-central-1", BaseEndpoint: aws.String(tokens.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIAOUROWN", "s", ""),
	}
	sendonce.Apply(&account)
	return bundle{
		New(account, Settings{Endpoint: api.URL, RequestPeriod: time.Microsecond, MaxBackoff: time.Millisecond, MaxAttempts: 4}),
		connect,
		Instance{ARN: instanceARN, Region: "eu-west-2", RoleARN: roleARN, ExternalID: externalID, Session: "earshot-acme-directory"},
	}
}

func TestReadTakesEveryPage(t *testing.T) {
	t.Parallel()
	for _, howMany := range []int{1, 499, 500, 501, 12_000} {
		b := setup(t, howMany)
		d, tally, err := b.Read(t.Context(), b.from)
		if err != nil {
			t.Fatal(err)
		}
		pages := (howMany + usersAPage - 1) / usersAPage
		if len(d.Agents) != howMany || tally.Requests < pages+1+len(d.Groups) || tally.Throttled != 0 {
			t.Errorf("%d agents of %d in %+v; %d pages, %d groups", len(d.Agents), howMany, tally, pages, len(d.Groups))
		}
		asked := map[string]int{}
		for _, call := range b.connect.Calls() {
			if call.Code != "" {
				t.Errorf("%+v", call)
			}
			asked[call.Operation]++
			if !call.IsSession || call.SignedBy != "ASIAEARSHOTSESSION00" {
				t.Fatalf("asked as %s, not as the customer's role", call.SignedBy)
			}
		}
		if asked["DescribeUserHierarchyGroup"] != len(d.Groups) {
			t.Errorf("%d groups asked for, %d in use: one is asked for twice", asked["DescribeUserHierarchyGroup"], len(d.Groups))
		}
	}
}

func TestReadSaysWhereAgentsStand(t *testing.T) {
	t.Parallel()
	b := setup(t, 120)
	read, _, err := b.Read(t.Context(), b.from)
	if err != nil {
		t.Fatal(err)
	}
	text, err := read.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	d, err := agents.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	mira, known := d.Find("mira.holm")
	if !known || mira.AgentName != "Mira Holm" || !strings.HasPrefix(mira.AgentARN, instanceARN+"/agent/") ||
		!strings.HasPrefix(mira.RoutingProfileARN, instanceARN+"/routing-profile/") || mira.HierarchyL1 == "" || mira.HierarchyL5 == "" {
		t.Errorf("mira.holm stands at %+v, %v", mira, known)
	}
	var levels [agents.Levels + 1]int
	for _, a := range d.Agents {
		if a.Group < 0 {
			levels[0]++
			continue
		}
		levels[len(d.Groups[a.Group].Path)]++
	}
	if levels[0] == 0 || levels[2] == 0 || levels[5] == 0 {
		t.Errorf("agents by level: %v; want some in no group and some halfway", levels)
	}
	if d.RoutingProfiles[0].Name != "Retail Voice" || d.InstanceARN != instanceARN || d.TakenAt.IsZero() {
		t.Errorf("%+v %s %s", d.RoutingProfiles, d.InstanceARN, d.TakenAt)
	}
}

func TestReadOutlastsThrottling(t *testing.T) {
	t.Parallel()
	b := setup(t, 1200)
	b.connect.SetFault(fakeconnect.Fault{Throttle: 3})
	if d, tally, err := b.Read(t.Context(), b.from); err != nil || len(d.Agents) != 1200 || tally.Throttled != 3 {
		t.Errorf("%+v, %v", tally, err)
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		fault fakeconnect.Fault
		edit  func(*Instance)
		want  error
	}{
		"throttled throughout": {fault: fakeconnect.Fault{Throttle: 1000}, want: agents.ErrThrottled},
		"a page in the middle": {fault: fakeconnect.Fault{Operation: "SearchUsers", Page: 2, Code: "InternalServiceException"}, want: agents.ErrUnavailable},
		"users refused":        {fault: fakeconnect.Fault{Operation: "SearchUsers", Code: "AccessDeniedException"}, want: agents.ErrAccessDenied},
		"groups refused":       {fault: fakeconnect.Fault{Operation: "DescribeUserHierarchyGroup", Code: "AccessDeniedException"}, want: agents.ErrAccessDenied},
		"profiles refused":     {fault: fakeconnect.Fault{Operation: "ListRoutingProfiles", Code: "AccessDeniedException"}, want: agents.ErrAccessDenied},
		"another instance":     {edit: func(i *Instance) { i.ARN = strings.Replace(i.ARN, "acbe", "acbf", 1) }, want: agents.ErrInstanceUnknown},
		"another external id":  {edit: func(i *Instance) { i.ExternalID = "KDPQ3MSF" }, want: agents.ErrRoleRefused},
		"another role":         {edit: func(i *Instance) { i.RoleARN += "s" }, want: agents.ErrRoleRefused},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 1200)
			b.connect.SetFault(row.fault)
			if row.edit != nil {
				row.edit(&b.from)
			}
			d, _, err := b.Read(t.Context(), b.from)
			if d != nil || !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
			if isRoleRefused := errors.Is(row.want, agents.ErrRoleRefused); isRoleRefused && len(b.connect.Calls()) > 0 {
				t.Error("Connect was asked although the role was refused")
			}
		})
	}
}

func TestReadTakesNoEmptyOrEndlessInstance(t *testing.T) {
	t.Parallel()
	b := setup(t, 0)
	if _, _, err := b.Read(t.Context(), b.from); !errors.Is(err, agents.ErrEmpty) {
		t.Errorf("no agents: %v", err)
	}
	b = setup(t, agents.MaxAgents+1)
	if _, _, err := b.Read(t.Context(), b.from); !errors.Is(err, agents.ErrTooLarge) {
		t.Errorf("too many agents: %v", err)
	}
	token := "same"
	if err := eachPage(func(*string) (*string, error) { return &token, nil }); !errors.Is(err, errSamePage) {
		t.Errorf("a page that names itself: %v", err)
	}
}

// A group that went while the users were read costs its agents their place, and nothing else.
func TestGroupThatIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t, 120)
	b.connect.SetFault(fakeconnect.Fault{Operation: "DescribeUserHierarchyGroup", Code: "ResourceNotFoundException"})
	d, _, err := b.Read(t.Context(), b.from)
	if err != nil || len(d.Agents) != 120 || len(d.Groups) != 0 || d.Agents[0].Group != -1 {
		t.Errorf("%v", err)
	}
}

// Repeated requests wait for their time too.
func TestRequestsKeepTheirDistance(t *testing.T) {
	t.Parallel()
	const period = 30 * time.Millisecond
	b := setup(t, 20)
	b.Reader = New(b.account, Settings{Endpoint: b.settings.Endpoint, RequestPeriod: period, MaxBackoff: time.Millisecond, MaxAttempts: 4})
	b.connect.SetFault(fakeconnect.Fault{Throttle: 2})
	began := time.Now()
	_, tally, err := b.Read(t.Context(), b.from)
	if took := time.Since(began); err != nil || took < time.Duration(tally.Requests-1)*period {
		t.Errorf("%d requests in %s, %v", tally.Requests, took, err)
	}
}
