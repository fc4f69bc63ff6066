// Package cellaws enters a cell: AWS configuration with the rights of one of the cell's roles, the cell's stack outputs, and
// calls of the cell's functions. The adapters that work in cells share it.
package cellaws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/earshot-hq/earshot/internal/sendonce"
	"github.com/earshot-hq/earshot/internal/tenant"
)

const (
	outputsFresh  = time.Minute     // how long a cell's outputs are believed
	credentialsIn = 5 * time.Minute // how long before their end credentials are fetched anew
)

// Cells enters cells by one role of theirs. It is safe for use by several goroutines.
type Cells struct {
	base aws.Config
	role string // by its name; empty: the worker's

	mu      sync.Mutex
	configs map[door]aws.Config // guarded by mu
	outputs map[door]outputs    // guarded by mu
}

// A door is what tells cells apart.
type door struct{ region, stack, role, externalID string }

type outputs struct {
	values map[string]string
	read   time.Time
}

// New returns Cells that are entered from base, the worker's own identity.
func New(base aws.Config) *Cells {
	base = base.Copy()
	sendonce.Apply(&base)
	return &Cells{base: base, configs: map[door]aws.Config{}, outputs: map[door]outputs{}}
}

// HealthRole is the role of every cell that looks and changes nothing.
const HealthRole = "earshotops-cell-health"

// ManagersRole is the role of every cell that keeps the managers of its tenants, and reaches nothing else of them.
const ManagersRole = "earshotops-cell-managers"

// SpacesRole is the role of every cell that may call the function for imports and exports of spaces, and nothing else.
const SpacesRole = "earshotops-cell-spaces"

// SetupsRole is the role of every cell that may call its tenants' functions for agent directories, and nothing else.
const SetupsRole = "earshotops-cell-setups"

// NewAs returns Cells that are entered from base by another role of the cells than the worker's: the one of this name in the
// same account.
func NewAs(base aws.Config, role string) *Cells {
	c := New(base)
	c.role = role
	return c
}

func doorOf(c tenant.Cell) door { return door{c.Region, c.StackName, c.RoleARN, c.ExternalID} }

// Config returns the configuration for the cell's region with the rights of its role, or with the worker's own when the cell
// names no role. Nothing is called yet: a role that cannot be entered shows with the first call.
func (c *Cells) Config(cell tenant.Cell) aws.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.configs[doorOf(cell)]; ok {
		return known
	}
	cfg := c.base.Copy()
	cfg.Region = cell.Region
	if cell.RoleARN != "" {
		arn, session := cell.RoleARN, "worker"
		if c.role != "" {
			account, _, _ := strings.Cut(arn, ":role/")
			arn, session = account+":role/"+c.role, c.role
		}
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), arn, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = session
			if cell.ExternalID != "" {
				o.ExternalID = aws.String(cell.ExternalID)
			}
		})
		cfg.Credentials = aws.NewCredentialsCache(role, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = credentialsIn })
	}
	c.configs[doorOf(cell)] = cfg
	return cfg
}

// Outputs returns the outputs of the cell's own stack, at most a minute old. The caller does not change them.
func (c *Cells) Outputs(ctx context.Context, cell tenant.Cell) (map[string]string, error) {
	c.mu.Lock()
	known, ok := c.outputs[doorOf(cell)]
	c.mu.Unlock()
	if ok && time.Since(known.read) < outputsFresh {
		return known.values, nil
	}
	read := time.Now()
	got, err := cloudformation.NewFromConfig(c.Config(cell)).DescribeStacks(ctx,
		&cloudformation.DescribeStacksInput{StackName: aws.String(cell.StackName)})
	if err != nil {
		return nil, fmt.Errorf("describe the stack of cell %s: %w", cell.Name, err)
	}
	if len(got.Stacks) != 1 {
		return nil, errors.New("cell " + cell.Name + " has no stack " + cell.StackName)
	}
	values := map[string]string{}
	for _, output := range got.Stacks[0].Outputs {
		values[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outputs[doorOf(cell)] = outputs{values: values, read: read}
	return values, nil
}
