package part

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/earshot-hq/earshot/services/localstack/internal/process"
)

// Region is where the local cell is.
const Region = "eu-central-1"

// An Emulator is the AWS stand-in.
type Emulator struct {
	bench  *Bench
	python string
	state  string
}

// NewEmulator fetches the emulator unless it is there.
func NewEmulator(ctx context.Context, b *Bench) (*Emulator, error) {
	e := &Emulator{bench: b, state: b.Workspace.Path("aws")}
	var err error
	if e.python, err = b.Python.Environment(ctx, "aws", b.Requirements.AWS); err != nil {
		return nil, err
	}
	return e, os.MkdirAll(filepath.Join(e.state, "tmp"), 0o700)
}

// URL is the emulator's endpoint for every AWS service.
func (e *Emulator) URL() string { return "http://" + Loopback(e.bench.Ports.AWS) }

// Host is where the tenants' APIs and sites are reached, each under a name before it.
func (e *Emulator) Host() string { return "localhost:" + strconv.Itoa(e.bench.Ports.AWS) }

// Forget throws the emulator's state away. It may not run meanwhile.
func (e *Emulator) Forget() error {
	if err := os.RemoveAll(e.state); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(e.state, "tmp"), 0o700)
}

// Part is the emulator as a process. IAM is enforced; state is saved when it is stopped, and only then.
func (e *Emulator) Part() process.Part {
	return process.Part{
		Name: "aws", Patience: patience, StopSignal: syscall.SIGTERM,
		Command: func() (process.Command, error) {
			environment := append(plainEnvironment(e.state),
				"AUTH=true", "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+strconv.Itoa(e.bench.Ports.AWS), "MINISTACK_HOST=localhost", "MINISTACK_REGION="+Region,
				"IOT_MTLS_ENABLED=0", // it would listen on every address
				"SFTP_ENABLED=0", "LAMBDA_EXECUTOR=local",
				"PERSIST_STATE=1", "S3_PERSIST=1", "STATE_DIR="+filepath.Join(e.state, "state"), "S3_DATA_DIR="+filepath.Join(e.state, "s3"),
				"TMPDIR="+filepath.Join(e.state, "tmp"), "PYTHONUNBUFFERED=1")
			return process.Command{Path: e.python, Arguments: []string{"-m", "ministack"}, Environment: environment, Dir: e.state}, nil
		},
		Ready: answers(freshClient(nil), e.URL()+"/_ministack/ready", nil),
	}
}
