package world

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/earshot-hq/earshot/internal/s3conn"
	"github.com/earshot-hq/earshot/internal/sendonce"
)

const (
	region = "eu-central-1"
	// Account is the emulator's only one.
	Account = "000000000000"
)

// AWS is the emulator as its root, whom no policy binds.
func (w *World) AWS() aws.Config { return w.signedBy("test", "test", "") }

func (w *World) signedBy(id, secret, session string) aws.Config {
	config := aws.Config{
		Region: region, BaseEndpoint: aws.String(w.AWSEndpoint), RetryMaxAttempts: 2,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, session),
	}
	sendonce.Apply(&config)
	return config
}

// Worker is the emulator as the worker's own identity, which can only enter cells.
func (w *World) Worker(t *testing.T) aws.Config {
	t.Helper()
	return w.keyed(t, "worker-key.json")
}

// Onlooker is the emulator as the admin API's own identity, which can only look into cells.
func (w *World) Onlooker(t *testing.T) aws.Config {
	t.Helper()
	return w.keyed(t, "api-key.json")
}

// Gateway is the emulator as the gateway's own identity.
func (w *World) Gateway(t *testing.T) aws.Config {
	t.Helper()
	return w.keyed(t, "gateway-key.json")
}

func (w *World) keyed(t *testing.T, file string) aws.Config {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.State, file))
	if err != nil {
		t.Fatal(err)
	}
	var key struct{ ID, Secret string }
	if err := json.Unmarshal(raw, &key); err != nil {
		t.Fatal(err)
	}
	return w.signedBy(key.ID, key.Secret, "")
}

// InCell is the emulator as the worker that has entered the cell, by the role and the external id that it uses.
func (w *World) InCell(t *testing.T) aws.Config {
	t.Helper()
	return w.enter(t, w.Worker(t), "earshotops-cell-worker")
}

// Looking is the emulator as the admin API that has entered the cell.
func (w *World) Looking(t *testing.T) aws.Config {
	t.Helper()
	return w.enter(t, w.Onlooker(t), "earshotops-cell-health")
}

// WorkerLooking is the emulator as the worker that has entered the cell to look at how tenants do.
func (w *World) WorkerLooking(t *testing.T) aws.Config {
	t.Helper()
	return w.enter(t, w.Worker(t), "earshotops-cell-health")
}

// InSetups is the emulator as the admin API that has entered the cell to have tenants' functions look at what customers have set up.
func (w *World) InSetups(t *testing.T) aws.Config {
	t.Helper()
	return w.enter(t, w.Onlooker(t), "earshotops-cell-setups")
}

// Managing is the emulator as the admin API that has entered the cell to keep managers.
func (w *World) Managing(t *testing.T) aws.Config {
	t.Helper()
	return w.enter(t, w.Onlooker(t), "earshotops-cell-managers")
}

// InSpaces is the emulator as the admin API that has entered the cell to import into spaces and export them.
func (w *World) InSpaces(t *testing.T) aws.Config {
	t.Helper()
	return w.enter(t, w.Onlooker(t), "earshotops-cell-spaces")
}

func (w *World) enter(t *testing.T, as aws.Config, door string) aws.Config {
	t.Helper()
	session, err := w.Assume(t.Context(), as, door, w.Parameters(t, "earshotops-cell")["ExternalId"])
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// Assume is the emulator as a session of a role, entered by whoever signs as from.
func (w *World) Assume(ctx context.Context, from aws.Config, role, externalID string) (aws.Config, error) {
	in := &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + Account + ":role/" + role), RoleSessionName: aws.String("stranger")}
	if externalID != "" {
		in.ExternalId = &externalID
	}
	got, err := sts.NewFromConfig(from).AssumeRole(ctx, in)
	if err != nil {
		return aws.Config{}, err
	}
	c := got.Credentials
	return w.signedBy(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken), nil
}

// Become is the emulator as a session of a role whose own door lets no test in: root opens the door for a moment.
func (w *World) Become(t *testing.T, role string) aws.Config {
	t.Helper()
	root := iam.NewFromConfig(w.AWS())
	was, err := root.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &role})
	if err != nil {
		t.Fatal(err)
	}
	trust, err := url.QueryUnescape(aws.ToString(was.Role.AssumeRolePolicyDocument))
	if err != nil {
		t.Fatal(err)
	}
	door := func(document string) {
		if _, err := root.UpdateAssumeRolePolicy(context.WithoutCancel(t.Context()), &iam.UpdateAssumeRolePolicyInput{RoleName: &role, PolicyDocument: &document}); err != nil {
			t.Fatal(err)
		}
	}
	door(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + Account + `:root"},"Action":"sts:AssumeRole"}]}`)
	defer door(trust)
	session, err := w.Assume(t.Context(), w.AWS(), role, "")
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// S3 is a client that finds the emulator's buckets.
func S3(as aws.Config) *s3.Client {
	return s3conn.Open(as)
}

// IsDenied reports whether AWS refused because of who asked.
func IsDenied(err error) bool {
	var said smithy.APIError
	return errors.As(err, &said) && strings.HasPrefix(said.ErrorCode(), "AccessDenied")
}

// Outputs are those of a stack.
func (w *World) Outputs(t *testing.T, stack string) map[string]string {
	t.Helper()
	outputs, _ := w.stack(t, stack)
	return outputs
}

// Parameters are those of a stack.
func (w *World) Parameters(t *testing.T, stack string) map[string]string {
	t.Helper()
	_, parameters := w.stack(t, stack)
	return parameters
}

func (w *World) stack(t *testing.T, name string) (outputs, parameters map[string]string) {
	t.Helper()
	found, err := cloudformation.NewFromConfig(w.AWS()).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		t.Fatal(err)
	}
	outputs, parameters = map[string]string{}, map[string]string{}
	for _, o := range found.Stacks[0].Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	for _, p := range found.Stacks[0].Parameters {
		parameters[*p.ParameterKey] = *p.ParameterValue
	}
	return outputs, parameters
}

// Password reads a secret of a tenant, which only root and one function may.
func (w *World) Password(t *testing.T, secret string) Identity {
	t.Helper()
	got, err := secretsmanager.NewFromConfig(w.AWS()).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &secret})
	if err != nil {
		t.Fatal(err)
	}
	var who Identity
	if err := json.Unmarshal([]byte(*got.SecretString), &who); err != nil {
		t.Fatal(err)
	}
	return who
}

// Signed sends a request to a service of AWS for which there is no client here, as root.
func (w *World) Signed(t *testing.T, service, method, path string, body []byte) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.AWSEndpoint+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(body))
	req.Header.Set("X-Amz-Content-Sha256", sum)
	root, err := w.AWS().Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), root, req, sum, service, region, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s answered %d: %.300s (%v)", method, path, res.StatusCode, raw, err)
	}
	return raw
}

// Invoke calls a function and returns all that it says, errors included.
func Invoke(t *testing.T, as aws.Config, function string, payload []byte) string {
	t.Helper()
	got, err := lambda.NewFromConfig(as).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &function, Payload: payload})
	if err != nil {
		t.Fatal(err)
	}
	return string(got.Payload)
}
