package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
)

// coldStarts measures how long each function's binary, in the environment that its stack gives it, takes from the start of the
// process until it asks for its first call, beside the least that a function in Go takes; and how large its archive is.
func coldStarts(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs = 21
	artifacts, err := b.artifacts(ctx)
	if err != nil {
		return nil, err
	}
	archives, err := filepath.Glob(filepath.Join(artifacts, "lambdas", "*.zip"))
	if err != nil || len(archives) == 0 {
		return nil, fmt.Errorf("there are no functions in %s: %w", artifacts, err)
	}
	bare, err := b.bareFunction(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(archives)
	names := make([]string, 0, len(archives))
	binaries, environments, took := map[string]string{}, map[string]map[string]string{}, map[string][]float64{}
	for _, archive := range archives {
		name := strings.TrimSuffix(filepath.Base(archive), ".zip")
		names = append(names, name)
		if binaries[name], err = rig.Unpack(archive, b.dir); err != nil {
			return nil, err
		}
		if environments[name], err = b.environmentOf(ctx, name); err != nil {
			return nil, err
		}
	}
	binaries["bare"] = bare
	for range b.repeat("cold", runs) {
		for _, name := range append(slices.Clone(names), "bare") {
			f, err := b.stack.Launch(ctx, binaries[name], environments[name])
			if err != nil {
				return nil, err
			}
			f.Stop()
			took[name] = append(took[name], f.Cold.Seconds()*1000)
		}
	}
	var figures []sheet.Figure
	for i, name := range names {
		ratio, spread := sheet.Ratio(took[name], took["bare"])
		info, err := os.Stat(archives[i])
		if err != nil {
			return nil, err
		}
		figures = append(figures,
			sheet.Figure{
				ID: "lambda_cold_start", Value: ratio, Unit: "x", Direction: sheet.AtMost, Aim: 2, Runs: len(took[name]), Spread: spread,
				What: fmt.Sprintf("%s: start of the process until it asks for work, %.1f ms, over a bare function's, %.1f ms", name, sheet.Median(took[name]), sheet.Median(took["bare"])),
			},
			sheet.Figure{
				ID: "lambda_zipped_size", Value: float64(info.Size()) / 1e6, Unit: "MB", Direction: sheet.AtMost, Aim: 15, Runs: 1,
				What: name + ": its archive",
			})
	}
	slices.SortStableFunc(figures, func(f, g sheet.Figure) int { return strings.Compare(f.ID, g.ID) })
	return figures, nil
}

// artifacts returns the folder of what the running cell was made from.
func (b *bench) artifacts(ctx context.Context) (string, error) {
	described, err := cloudformation.NewFromConfig(b.stack.AWS()).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(demo.StackName())})
	if err != nil {
		return "", err
	}
	for _, output := range described.Stacks[0].Outputs {
		if aws.ToString(output.OutputKey) == "ArtifactVersion" {
			return filepath.Join(b.stack.Root, ".local", "artifacts", aws.ToString(output.OutputValue)), nil
		}
	}
	return "", fmt.Errorf("the stack of %s names no artifact version", demo)
}

// environmentOf returns what the stacks give the function: the demonstration tenant's, or for a provider the cell's.
func (b *bench) environmentOf(ctx context.Context, name string) (map[string]string, error) {
	environment, err := b.stack.Environment(ctx, demo.FunctionName(name))
	if err == nil {
		return environment, nil
	}
	return b.stack.Environment(ctx, "earshotops-"+name)
}

// bareFunction builds the least function with the flags of the others.
func (b *bench) bareFunction(ctx context.Context) (string, error) {
	name := filepath.Join(b.dir, "bare")
	build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", name, "./bench/bare")
	build.Dir = b.stack.Root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the bare function: %w\n%s", err, output)
	}
	return name, nil
}
