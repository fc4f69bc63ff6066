// Package rig is what the benchmarks measure with: the product as `make up` runs it, single functions behind a stand-in of
// the Lambda runtime, the processor's clock, and records as calls make them.
package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/s3conn"
	"github.com/earshot-hq/earshot/internal/sendonce"
)

// A Stack is the running product with a state of its own. Its members are what the launcher wrote when all was healthy.
type Stack struct {
	AdminAPI      string `json:"admin_api"`
	AdminIssuer   string `json:"admin_issuer"`
	AdminClientID string `json:"admin_client_id"`
	AWSEndpoint   string `json:"aws_endpoint"`
	Gateway       string `json:"gateway"`
	Simulator     string `json:"simulator"`
	DemoManager   struct {
		Username string `json:"username"`
		Password string `json:"password"`
	} `json:"demo_manager"` // of the demonstration tenant
	OpenSearch struct {
		URL      string `json:"url"`
		Username string `json:"username"`
		Password string `json:"password"`
		CAFile   string `json:"ca_file"`
	} `json:"opensearch"`
	Postgres  string         `json:"postgres"` // of the superuser
	Processes map[string]int `json:"processes"`

	Root  string `json:"-"` // the repository
	State string `json:"-"`

	launcher string
	log      string
	up       *exec.Cmd
	ended    chan error
}

const (
	startTime = 8 * time.Minute // on a machine that has fetched and compiled nothing yet
	stopTime  = 2 * time.Minute
)

// Start starts the product in an empty state and returns when all of it is healthy.
func Start(ctx context.Context, root, launcher, state string) (*Stack, error) {
	s := &Stack{Root: root, State: state, launcher: launcher, log: state + ".log", ended: make(chan error, 1)}
	if err := s.run(ctx, io.Discard, "clean"); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(s.log), 0o755); err != nil { //nolint:gosec // holds no secret, and servers of another user enter it
		return nil, err
	}
	output, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Close() }() // the child has its own
	s.up = s.command(context.WithoutCancel(ctx), "up")
	s.up.Stdout, s.up.Stderr = output, output
	s.up.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us alone, and we stop it in order
	if err := s.up.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- s.up.Wait() }() // Stop waits for it
	if err := s.await(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Stack) command(ctx context.Context, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, s.launcher, arguments...)
	command.Dir = s.Root
	command.Env = append(os.Environ(), "EARSHOT_LOCAL="+s.State)
	return command
}

func (s *Stack) run(ctx context.Context, out io.Writer, arguments ...string) error {
	command := s.command(ctx, arguments...)
	var complaint strings.Builder
	command.Stdout, command.Stderr = out, &complaint
	if err := command.Run(); err != nil {
		return fmt.Errorf("localstack %s: %w: %s", arguments[0], err, complaint.String())
	}
	return nil
}

func (s *Stack) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	return Until(ctx, 200*time.Millisecond, func() (bool, error) {
		select {
		case err := <-s.ended:
			s.ended <- err
			return false, fmt.Errorf("the launcher ended (%w); it said:\n%s", err, s.said())
		default:
		}
		text, err := os.ReadFile(filepath.Join(s.State, "endpoints.json"))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		return true, json.Unmarshal(text, s)
	})
}

func (s *Stack) said() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Stop ends the product in order and forgets its state.
func (s *Stack) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if err := s.up.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
	case <-ctx.Done():
		return errors.New("the launcher does not end")
	}
	return s.run(ctx, io.Discard, "clean")
}

// Token returns a bearer token of the product's owner.
func (s *Stack) Token(ctx context.Context) (string, error) {
	var out strings.Builder
	err := s.run(ctx, &out, "token")
	return strings.TrimSpace(out.String()), err
}

// Secret returns a secret that the launcher made for this state.
func (s *Stack) Secret(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(s.State, "secrets.json"))
	if err != nil {
		return "", err
	}
	secrets := map[string]string{}
	if err := json.Unmarshal(text, &secrets); err != nil {
		return "", fmt.Errorf("read secrets: %w", err)
	}
	if secrets[name] == "" {
		return "", errors.New("there is no secret " + name)
	}
	return secrets[name], nil
}

// Region is where the product's cell is.
const Region = "eu-central-1"

// AWS returns the emulator as its root, who may do everything.
func (s *Stack) AWS() aws.Config {
	config := aws.Config{
		Region: Region, BaseEndpoint: aws.String(s.AWSEndpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	sendonce.Apply(&config)
	return config
}

// CopyArtifacts puts what a stack is made of, functions, site and template, into the artifact bucket under another version.
func (s *Stack) CopyArtifacts(ctx context.Context, stack, version string) error {
	described, err := cloudformation.NewFromConfig(s.AWS()).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, p := range described.Stacks[0].Parameters {
		values[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	bucket, from := values["ArtifactBucket"], values["ArtifactVersion"]+"/"
	client := s3conn.Open(s.AWS())
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &from})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, object := range page.Contents {
			if _, err := client.CopyObject(ctx, &s3.CopyObjectInput{
				Bucket: &bucket, CopySource: aws.String(bucket + "/" + *object.Key), Key: aws.String(version + "/" + strings.TrimPrefix(*object.Key, from)),
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Until asks until the answer is yes or an error.
func Until(ctx context.Context, pause time.Duration, ask func() (bool, error)) error {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
