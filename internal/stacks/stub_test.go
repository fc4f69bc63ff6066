package stacks_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/stacks"
	"github.com/earshot-hq/earshot/internal/tenant"
)

var frankfurt = tenant.Cell{Name: "frankfurt", Region: "eu-central-1", StackName: "earshotops-cell"}

// event is one member of a page of DescribeStackEvents, as the cases have it.
type event struct {
	EventID              string `xml:"EventId"`
	StackID              string `xml:"StackId"`
	LogicalResourceID    string `xml:"LogicalResourceId"`
	PhysicalResourceID   string `xml:"PhysicalResourceId"`
	ResourceType         string
	ResourceStatus       string
	ResourceStatusReason string
	Timestamp            string `xml:",omitempty"`
	ClientRequestToken   string `xml:",omitempty"`
}

type stackPage struct {
	StackName    string
	StackID      string `xml:"StackId"`
	StackStatus  string
	CreationTime string
}

// answer is what a stub says to one call; its members are those of the actions used here.
type answer struct {
	XMLName        xml.Name
	Stacks         []stackPage `xml:"Result>Stacks>member,omitempty"`
	StackSummaries []stackPage `xml:"Result>StackSummaries>member,omitempty"`
	StackEvents    []event     `xml:"Result>StackEvents>member,omitempty"`
	NextToken      string      `xml:"Result>NextToken,omitempty"`
}

// A stub is CloudFormation at the other end of the SDK's wire.
type stub func(r *http.Request, call url.Values) *http.Response

func (s stub) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	call, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if response := s(r, call); response != nil {
		return response, nil
	}
	<-r.Context().Done() // it answers nothing
	return nil, r.Context().Err()
}

func reply(call url.Values, a answer) *http.Response {
	action := call.Get("Action")
	a.XMLName.Local = action + "Response"
	text, err := xml.Marshal(a)
	if err != nil {
		panic(err)
	}
	return respond(http.StatusOK, strings.NewReplacer("<Result>", "<"+action+"Result>", "</Result>", "</"+action+"Result>").Replace(string(text)))
}

func refuse(code, message string) *http.Response {
	return respond(http.StatusBadRequest, "<ErrorResponse><Error><Code>"+code+"</Code><Message>"+message+"</Message></Error></ErrorResponse>")
}

func respond(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// against returns Stacks that talk to the stub.
func against(s stub, options stacks.Options) *stacks.Stacks {
	return stacks.New(cellaws.New(aws.Config{
		Region: frankfurt.Region, HTTPClient: s, BaseEndpoint: aws.String("http://cloudformation.test"),
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}), options)
}

func readCase(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}
