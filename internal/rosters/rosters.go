// Package rosters keeps a cell's list of tenants in its bucket: the worker writes it, the gateway reads it.
package rosters

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/s3conn"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// again is after how long a list that has not changed is written all the same: somebody may have removed it.
const again = 10 * time.Minute

// maxList bounds what is read.
const maxList = 4 << 20

// A Publisher writes the lists of cells. Its methods may be called from any goroutine.
type Publisher struct {
	cells *cellaws.Cells
	key   ed25519.PrivateKey

	mu      sync.Mutex
	outputs map[string]map[string]string // of stacks, by stackKey; guarded by mu
	written map[string]written           // by cell; guarded by mu
}

// written is what was written last. The worker writes alone: no other has its key.
type written struct {
	tenants []roster.Tenant
	at      time.Time
}

// NewPublisher returns one that enters cells as the worker and signs with key.
func NewPublisher(cells *cellaws.Cells, key ed25519.PrivateKey) *Publisher {
	return &Publisher{cells: cells, key: key, outputs: map[string]map[string]string{}, written: map[string]written{}}
}

// present are the states in which a tenant's managers may sign in.
var present = []tenant.State{tenant.Active, tenant.Updating, tenant.Suspended, tenant.Failed}

// Publish writes the cell's list when it has changed.
func (p *Publisher) Publish(ctx context.Context, cell tenant.Cell, tenants []tenant.Tenant) error {
	list := []roster.Tenant{}
	for _, t := range tenants {
		if !slices.Contains(present, t.State) || t.Stack.ID == "" {
			continue
		}
		outputs, err := p.outputsOf(ctx, cell, t)
		if err != nil {
			return err
		}
		if outputs["UserPoolId"] == "" {
			continue // a stack that is gone, or older than its managers
		}
		list = append(list, roster.Tenant{
			Slug: t.Slug, DisplayName: t.DisplayName, State: string(t.State), Region: cell.Region, ExternalID: strings.ReplaceAll(t.ID, "-", ""),
			UserPoolID: outputs["UserPoolId"], ClientID: outputs["UserPoolClientId"], SearchEndpoint: outputs["SearchEndpoint"],
			ReaderRoleARN: outputs["ReaderRoleArn"], EditorRoleARN: outputs["EditorRoleArn"], ReaderSecretARN: outputs["ReaderSecretArn"],
		})
	}
	p.mu.Lock()
	last := p.written[cell.Name]
	p.mu.Unlock()
	now := time.Now()
	if now.Sub(last.at) < again && slices.Equal(last.tenants, list) {
		return nil
	}
	if err := p.write(ctx, cell, roster.Roster{Cell: cell.Name, MadeAt: now.UTC(), Tenants: list}); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written[cell.Name] = written{tenants: list, at: now}
	return nil
}

// outputsOf asks for a stack's outputs once for each change of its tenant.
func (p *Publisher) outputsOf(ctx context.Context, cell tenant.Cell, t tenant.Tenant) (map[string]string, error) {
	key := fmt.Sprintf("%s %d", t.Stack.ID, t.Version)
	p.mu.Lock()
	known, isKnown := p.outputs[key]
	p.mu.Unlock()
	if isKnown {
		return known, nil
	}
	got, err := cloudformation.NewFromConfig(p.cells.Config(cell)).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &t.Stack.ID})
	if err != nil {
		return nil, fmt.Errorf("describe stack %s: %w", t.Slug.StackName(), err)
	}
	outputs := map[string]string{}
	for _, stack := range got.Stacks {
		for _, output := range stack.Outputs {
			outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for other := range p.outputs { // those of its earlier versions
		if strings.HasPrefix(other, t.Stack.ID+" ") {
			delete(p.outputs, other)
		}
	}
	p.outputs[key] = outputs
	return outputs, nil
}

func (p *Publisher) write(ctx context.Context, cell tenant.Cell, r roster.Roster) error {
	text, err := roster.Seal(r, p.key)
	if err != nil {
		return err
	}
	outputs, err := p.cells.Outputs(ctx, cell)
	if err != nil {
		return err
	}
	bucket := outputs["ArtifactBucket"]
	if _, err := s3conn.Open(p.cells.Config(cell)).PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: aws.String(roster.Key), Body: bytes.NewReader(text), ContentType: aws.String("application/json"),
	}); err != nil {
		return fmt.Errorf("write the list of tenants of cell %s: %w", cell.Name, err)
	}
	return nil
}

// A Reader reads a cell's list.
type Reader struct {
	client *s3.Client
	bucket string
	key    ed25519.PublicKey
}

// NewReader returns a reader of the list in a bucket.
func NewReader(config aws.Config, bucket string, key ed25519.PublicKey) *Reader {
	return &Reader{client: s3conn.Open(config), bucket: bucket, key: key}
}

// Read returns the list as it is now, if it is its worker's.
func (r *Reader) Read(ctx context.Context) (list roster.Roster, err error) {
	object, err := r.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.bucket, Key: aws.String(roster.Key)})
	if err != nil {
		return list, fmt.Errorf("read the list of tenants: %w", err)
	}
	defer func() { err = errors.Join(err, object.Body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(object.Body, maxList))
	if err != nil {
		return list, fmt.Errorf("read the list of tenants: %w", err)
	}
	return roster.Open(text, r.key)
}
