package fakeconnect_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/smithy-go"

	"github.com/earshot-hq/earshot/services/simulator/fakeconnect"
)

const (
	id  = "0a1b2c3d-0000-4000-8000-00000000acbe"
	arn = "arn:aws:connect:eu-west-2:111122223333:instance/" + id
)

func setup(t *testing.T, agents int) (*fakeconnect.Connect, *connect.Client, string) {
	t.Helper()
	fake := fakeconnect.New()
	if err := fake.SetInstance(arn, agents); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return fake, connect.New(connect.Options{
		Region: "eu-west-2", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("ASIATESTTESTTEST", "s", "t"),
		// Of the errors only a broken connection is worth a second try here: a large answer on loopback may outrun the request.
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Retryables = []retry.IsErrorRetryable{retry.RetryableConnectionError{}}
		}),
	}), server.URL
}

func codeOf(err error) string {
	var said smithy.APIError
	if errors.As(err, &said) {
		return said.ErrorCode()
	}
	return ""
}

func TestPagesHoldEveryUserOnce(t *testing.T) {
	t.Parallel()
	_, client, _ := setup(t, 1234)
	seen := map[string]bool{}
	var token *string
	pages := 0
	for more := true; more; more = token != nil {
		page, err := client.SearchUsers(t.Context(), &connect.SearchUsersInput{InstanceId: aws.String(id), MaxResults: aws.Int32(500), NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, user := range page.Users {
			seen[*user.Username] = true
		}
		token = page.NextToken
		pages++
	}
	if len(seen) != 1234 || pages != 3 || !seen["mira.holm"] || !seen["jonas.weber"] || !seen["ines.costa"] {
		t.Errorf("%d users on %d pages", len(seen), pages)
	}
}

// The errors have the names that the SDK knows Connect's by.
func TestErrorsAreConnects(t *testing.T) {
	t.Parallel()
	fake, client, _ := setup(t, 10)
	search := func(edit func(*connect.SearchUsersInput)) string {
		in := &connect.SearchUsersInput{InstanceId: aws.String(id)}
		edit(in)
		_, err := client.SearchUsers(t.Context(), in)
		return codeOf(err)
	}
	for want, edit := range map[string]func(*connect.SearchUsersInput){
		"ResourceNotFoundException": func(in *connect.SearchUsersInput) { in.InstanceId = aws.String("0a1b2c3d-0000-4000-8000-00000000acbf") },
		"InvalidRequestException":   func(in *connect.SearchUsersInput) { in.NextToken = aws.String("MQ==") },
	} {
		if got := search(edit); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := search(func(in *connect.SearchUsersInput) { in.MaxResults = aws.Int32(501) }); got != "InvalidRequestException" {
		t.Errorf("a page of 501: %s", got)
	}
	fake.SetFault(fakeconnect.Fault{Throttle: 1, Operation: "SearchUsers", Code: "AccessDeniedException"})
	for _, want := range []string{"ThrottlingException", "AccessDeniedException", "AccessDeniedException"} {
		if got := search(func(*connect.SearchUsersInput) {}); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	fake.SetFault(fakeconnect.Fault{})
	if got := search(func(*connect.SearchUsersInput) {}); got != "" {
		t.Errorf("%s after all was mended", got)
	}
}

// What has not the form of a signed request to Connect learns nothing.
func TestUnsignedIsRefused(t *testing.T) {
	t.Parallel()
	_, _, url := setup(t, 10)
	now := time.Now().UTC()
	stamp, day := now.Format("20060102T150405Z"), now.Format("20060102")
	sign := func(day, service, headers string) string {
		return "AWS4-HMAC-SHA256 Credential=ASIATESTTESTTEST/" + day + "/eu-west-2/" + service + "/aws4_request, SignedHeaders=" + headers +
			", Signature=" + strings.Repeat("0", 64)
	}
	for name, row := range map[string]struct {
		authorization, date string
		want                int
	}{
		"signed":          {sign(day, "connect", "host;x-amz-date"), stamp, http.StatusOK},
		"not signed":      {"", stamp, http.StatusForbidden},
		"a bearer":        {"Bearer x", stamp, http.StatusForbidden},
		"another service": {sign(day, "s3", "host;x-amz-date"), stamp, http.StatusForbidden},
		"another day":     {sign("20200101", "connect", "host;x-amz-date"), stamp, http.StatusForbidden},
		"an old request":  {sign("20200101", "connect", "host;x-amz-date"), "20200101T000000Z", http.StatusForbidden},
		"host not signed": {sign(day, "connect", "x-amz-date"), stamp, http.StatusForbidden},
		"date not signed": {sign(day, "connect", "host"), stamp, http.StatusForbidden},
		"no date":         {sign(day, "connect", "host;x-amz-date"), "", http.StatusForbidden},
		"a cut signature": {strings.TrimSuffix(sign(day, "connect", "host;x-amz-date"), "0"), stamp, http.StatusForbidden},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/routing-profiles-summary/"+id, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", row.authorization)
		request.Header.Set("X-Amz-Date", row.date)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != row.want {
			t.Errorf("%s: %d, want %d", name, answer.StatusCode, row.want)
		}
	}
}

// Who works in the simulator's CCP is who the directory lists.
func TestAnAgentIsWhoTheDirectoryLists(t *testing.T) {
	t.Parallel()
	fake, client, _ := setup(t, 60)
	users, err := client.SearchUsers(t.Context(), &connect.SearchUsersInput{InstanceId: aws.String(id)})
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := client.ListRoutingProfiles(t.Context(), &connect.ListRoutingProfilesInput{InstanceId: aws.String(id)})
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range users.Users {
		found, ok := fake.Agent(arn, *user.Username)
		isListed := false
		for _, profile := range profiles.RoutingProfileSummaryList {
			isListed = isListed || *profile.Id == *user.RoutingProfileId && *profile.Arn == found.ProfileARN && *profile.Name == found.Profile
		}
		if !ok || found.ARN != *user.Arn || !isListed {
			t.Errorf("%s is %v %v", *user.Username, found, ok)
		}
	}
	if _, ok := fake.Agent(arn, "nobody"); ok {
		t.Error("who is in no directory was found")
	}
	if _, ok := fake.Agent("arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-00000000acbf", "mira.holm"); ok {
		t.Error("an agent of no instance was found")
	}
}
