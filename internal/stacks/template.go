package stacks

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/earshot-hq/earshot/internal/s3conn"
)

// A template is what a stack is made from, as far as the worker needs to know it.
type template struct {
	url        string
	parameters []string
	resources  int // those that every stack has; a condition may add more
}

// templates keeps what was read: a version never changes.
type templates struct {
	mu   sync.Mutex
	read map[string]template // by URL; guarded by mu
}

const maxTemplate = 1 << 20 // CloudFormation's own limit

// get returns the tenants' template of an artifact version, from the cell's bucket.
func (t *templates) get(ctx context.Context, cfg aws.Config, outputs map[string]string, version string) (template, error) {
	bucket, key := outputs["ArtifactBucket"], version+"/templates/tenant.yaml"
	url := "https://" + bucket + ".s3." + cfg.Region + ".amazonaws.com/" + key
	endpoint := outputs["EndpointUrl"]
	if endpoint != "" {
		url = endpoint + "/" + bucket + "/" + key
	}
	t.mu.Lock()
	known, ok := t.read[url]
	t.mu.Unlock()
	if ok {
		return known, nil
	}
	client := s3conn.Open(cfg)
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		return template{}, fmt.Errorf("read template %s: %w", url, err)
	}
	defer func() { _ = object.Body.Close() }() // all of it has been read
	text, err := io.ReadAll(io.LimitReader(object.Body, maxTemplate))
	if err != nil {
		return template{}, fmt.Errorf("read template %s: %w", url, err)
	}
	made, err := parse(text)
	if err != nil {
		return template{}, fmt.Errorf("template %s: %w", url, err)
	}
	made.url = url
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.read == nil {
		t.read = map[string]template{}
	}
	t.read[url] = made
	return made, nil
}

// parse reads a template in YAML (or JSON, which is YAML).
func parse(text []byte) (template, error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return template{}, err
	}
	var made template
	for _, doc := range file.Docs {
		for _, parameter := range members(member(doc.Body, "Parameters")) {
			made.parameters = append(made.parameters, parameter.Key.GetToken().Value)
		}
		for _, resource := range members(member(doc.Body, "Resources")) {
			if member(resource.Value, "Condition") == nil {
				made.resources++
			}
		}
	}
	return made, nil
}

func members(node ast.Node) []*ast.MappingValueNode {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func member(node ast.Node, name string) ast.Node {
	for _, m := range members(node) {
		if m.Key.GetToken().Value == name {
			return m.Value
		}
	}
	return nil
}
