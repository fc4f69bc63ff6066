package rig

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// Unpack writes the binary of a function's archive, as Lambda does, and returns its name.
func Unpack(archive, dir string) (string, error) {
	opened, err := zip.OpenReader(archive)
	if err != nil {
		return "", err
	}
	defer func() { _ = opened.Close() }() // read only
	source, err := opened.Open("bootstrap")
	if err != nil {
		return "", fmt.Errorf("%s: %w", archive, err)
	}
	name := filepath.Join(dir, filepath.Base(archive)+".bootstrap")
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	target, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755) //nolint:gosec // a program
	if err != nil {
		return "", err
	}
	_, err = io.Copy(target, source)
	if closed := target.Close(); err == nil {
		err = closed
	}
	return name, err
}

// Environment returns the variables that the stack gave a function.
func (s *Stack) Environment(ctx context.Context, function string) (map[string]string, error) {
	found, err := lambda.NewFromConfig(s.AWS()).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	if err != nil {
		return nil, fmt.Errorf("read the environment of %s: %w", function, err)
	}
	if found.Environment == nil {
		return map[string]string{}, nil
	}
	return found.Environment.Variables, nil
}

// A Function is a running binary behind a runtime of its own.
type Function struct {
	*Runtime
	Cold time.Duration // from the start of the process to its first call of the runtime API

	command *exec.Cmd
	said    bytes.Buffer
}

// Launch starts a function's binary with the environment that Lambda gives it, on the core of the clients, and returns when it
// asks for work.
func (s *Stack) Launch(ctx context.Context, binary string, environment map[string]string) (*Function, error) {
	runtime, err := NewRuntime(ctx)
	if err != nil {
		return nil, err
	}
	f := &Function{Runtime: runtime, command: exec.CommandContext(ctx, binary)}
	f.command.Stdout, f.command.Stderr = &f.said, &f.said
	f.command.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + runtime.Address, "AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_LAMBDA_FUNCTION_VERSION=1", "AWS_REGION=" + Region, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_ENDPOINT_URL=" + s.AWSEndpoint, "PATH=/usr/bin:/bin", "HOME=/nonexistent", "TZ=:UTC", "LANG=en_US.UTF-8",
	}
	for name, value := range environment {
		f.command.Env = append(f.command.Env, name+"="+value)
	}
	slices.Sort(f.command.Env)
	began := time.Now()
	if err := f.command.Start(); err != nil {
		_ = runtime.Close() // nobody has called it
		return nil, err
	}
	const patience = 20 * time.Second
	select {
	case asked := <-f.Asked:
		f.Cold = asked.Sub(began)
		return f, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(patience):
		err = fmt.Errorf("%s never asked for work; it said: %s", binary, f.Stop())
	}
	f.Stop()
	return nil, err
}

// Stop ends the function, which like under Lambda is not asked, and returns what it wrote.
func (f *Function) Stop() string {
	_ = f.command.Process.Kill() // it may have ended
	_ = f.command.Wait()         // killed is how it ends
	_ = f.Close()                // nobody is left to call it
	return f.said.String()
}

// CPU returns how much processor time the function has used.
func (f *Function) CPU() (time.Duration, error) { return CPU(f.command.Process.Pid) }
