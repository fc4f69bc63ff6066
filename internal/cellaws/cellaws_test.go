package cellaws_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// cloud answers for one cell's stack, and says which role's session and which external id reached it.
type cloud struct {
	described atomic.Int32
	entered   atomic.Value // the form of AssumeRole
	signedBy  atomic.Value // the authorization of DescribeStacks
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "text/xml")
	switch form := string(body); {
	case strings.Contains(form, "Action=AssumeRole"):
		c.entered.Store(form)
		_, _ = io.WriteString(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIASESSION</AccessKeyId>
			<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
			</AssumeRoleResult></AssumeRoleResponse>`)
	case strings.Contains(form, "StackName=earshotops-cell"):
		c.described.Add(1)
		c.signedBy.Store(r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><Outputs><member>
			<OutputKey>ArtifactVersion</OutputKey><OutputValue>v1</OutputValue></member></Outputs></member></Stacks>
			</DescribeStacksResult></DescribeStacksResponse>`)
	default:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id x does not exist</Message></Error></ErrorResponse>`)
	}
}

func TestOutputsAreReadAsTheCellsRole(t *testing.T) {
	t.Parallel()
	c := &cloud{}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	cells := cellaws.New(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIAWORKER", "s", ""),
	})
	cell := tenant.Cell{
		Name: "frankfurt", Region: "eu-central-1", StackName: "earshotops-cell",
		RoleARN: "arn:aws:iam::111122223333:role/earshotops-cell-worker", ExternalID: "said",
	}
	for range 3 {
		outputs, err := cells.Outputs(t.Context(), cell)
		if err != nil || outputs["ArtifactVersion"] != "v1" {
			t.Fatalf("outputs %v, %v", outputs, err)
		}
	}
	if n := c.described.Load(); n != 1 {
		t.Errorf("the stack was described %d times within a minute, want once", n)
	}
	if entered, _ := c.entered.Load().(string); !strings.Contains(entered, "ExternalId=said") {
		t.Errorf("the cell was entered without its external id: %q", entered)
	}
	if signed, _ := c.signedBy.Load().(string); !strings.Contains(signed, "ASIASESSION") || !strings.Contains(signed, "eu-central-1") {
		t.Errorf("signed %q, want the role's session in the cell's region", signed)
	}

	cell.StackName = "missing"
	if _, err := cells.Outputs(t.Context(), cell); err == nil || !strings.Contains(err.Error(), "frankfurt") {
		t.Errorf("a cell without a stack: %v", err)
	}
}

// Who may only look enters by the cell's role for that, in the worker's account.
func TestAnotherRoleIsOfTheSameCell(t *testing.T) {
	t.Parallel()
	c := &cloud{}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	cells := cellaws.NewAs(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIAAPI", "s", ""),
	}, cellaws.HealthRole)
	cell := tenant.Cell{
		Name: "frankfurt", Region: "eu-central-1", StackName: "earshotops-cell",
		RoleARN: "arn:aws:iam::111122223333:role/earshotops-cell-worker", ExternalID: "said",
	}
	if _, err := cells.Outputs(t.Context(), cell); err != nil {
		t.Fatal(err)
	}
	const want = "RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fearshotops-cell-health"
	if entered, _ := c.entered.Load().(string); !strings.Contains(entered, want) || !strings.Contains(entered, "ExternalId=said") {
		t.Errorf("entered by %q", entered)
	}
}
