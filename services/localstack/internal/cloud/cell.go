package cloud

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"mime"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/earshot-hq/earshot/services/localstack/internal/bundle"
)

// A Search is a search node and its administrator.
type Search struct{ Endpoint, CAPem, Username, Password string }

// A CellConfig is what the local cell differs by.
type CellConfig struct {
	Host                string // under which sites and APIs are reached
	Architecture        string // Go's name for the functions' processor
	ExternalID          string
	WorkerPrincipalARN  string
	APIPrincipalARN     string
	GatewayPrincipalARN string
	GatewayHost         string  // under which each tenant has a name
	ConnectEndpoint     string  // of the stand-in for Amazon Connect
	Search              Search  // which the cell's tenants share
	RTCScript           string  // the RTC library of softphones that own the media, a file; empty: none
	Dedicated           *Search // which its dedicated tenants have, under the same authority; nil: the cell takes none
}

// A Cell is where tenants live.
type Cell struct{ WorkerRoleARN, ArtifactBucket string }

// Cell deploys the cell's stack, in two steps the first time: its bucket, then, once that holds the bundle, the functions.
func (c *Cloud) Cell(ctx context.Context, config CellConfig, made bundle.Bundle) (Cell, error) {
	secret, err := c.searchSecret(ctx, "earshotops/search-admin", config.Search)
	if err != nil {
		return Cell{}, err
	}
	var dedicated Search
	var dedicatedSecret string
	if config.Dedicated != nil {
		dedicated = *config.Dedicated
		if dedicatedSecret, err = c.searchSecret(ctx, "earshotops/dedicated-search-admin", dedicated); err != nil {
			return Cell{}, err
		}
	}
	template, err := c.template("cell.yaml")
	if err != nil {
		return Cell{}, err
	}
	parameters := map[string]string{
		"LocalHost": config.Host, "EndpointUrl": *c.config.BaseEndpoint, "ConnectEndpointUrl": config.ConnectEndpoint, "Architecture": architecture(config.Architecture),
		"SearchAuth": "basic", "SearchEndpoint": config.Search.Endpoint, "SearchCaPem": config.Search.CAPem, "SearchAdminSecretArn": secret,
		"DedicatedSearchEndpoint": dedicated.Endpoint, "DedicatedSearchSecretArn": dedicatedSecret,
		"WorkerPrincipalArn": config.WorkerPrincipalARN, "ApiPrincipalArn": config.APIPrincipalARN, "GatewayPrincipalArn": config.GatewayPrincipalARN, "GatewayHost": config.GatewayHost, "ExternalId": config.ExternalID, "Replicas": "0", "LogDays": "7",
		"SettleQuickSeconds": "3", "SettleSlowSeconds": "20", // nobody waits a quarter of an hour for a demonstration

	}
	bucket, err := c.bucket(ctx)
	if err != nil {
		return Cell{}, err
	}
	if bucket == "" {
		outputs, err := c.deploy(ctx, CellStack, template, parameters)
		if err != nil {
			return Cell{}, err
		}
		bucket = outputs["ArtifactBucket"]
	}
	if err := c.upload(ctx, bucket, made); err != nil {
		return Cell{}, err
	}
	parameters = maps.Clone(parameters)
	parameters["ArtifactVersion"] = made.Version
	if parameters["RtcScriptSha256"], err = c.rtcScript(ctx, bucket, config.RTCScript); err != nil {
		return Cell{}, err
	}
	outputs, err := c.deploy(ctx, CellStack, template, parameters)
	return Cell{WorkerRoleARN: outputs["WorkerRoleArn"], ArtifactBucket: outputs["ArtifactBucket"]}, err
}

// bucket is that of a cell which an earlier run has made, or empty.
func (c *Cloud) bucket(ctx context.Context) (string, error) {
	stack, err := c.describe(ctx, CellStack)
	if err != nil || stack == nil || !isUpdatable(stack.StackStatus) {
		return "", err
	}
	return outputsOf(stack)["ArtifactBucket"], nil
}

// searchSecret keeps a search administrator's password where only the provider's role reads it, and returns its ARN.
func (c *Cloud) searchSecret(ctx context.Context, name string, search Search) (string, error) {
	content, err := json.Marshal(map[string]string{"username": search.Username, "password": search.Password})
	if err != nil {
		return "", err
	}
	made, err := c.secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String(string(content))})
	var exists *types.ResourceExistsException
	if err == nil {
		return aws.ToString(made.ARN), nil
	}
	if !errors.As(err, &exists) {
		return "", fmt.Errorf("create secret %s: %w", name, err)
	}
	put, err := c.secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &name, SecretString: aws.String(string(content))})
	if err != nil {
		return "", fmt.Errorf("update secret %s: %w", name, err)
	}
	return aws.ToString(put.ARN), nil
}

// upload copies a bundle into the bucket unless it is there. The template goes last: it says that the rest is complete.
func (c *Cloud) upload(ctx context.Context, bucket string, made bundle.Bundle) error {
	last := path.Join(made.Version, "templates", "tenant.yaml")
	if _, err := c.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &last}); err == nil {
		return nil
	}
	keys := map[string]string{}
	err := filepath.WalkDir(made.Dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(made.Dir, name)
		keys[path.Join(made.Version, filepath.ToSlash(relative))] = name
		return err
	})
	if err != nil {
		return err
	}
	order := slices.DeleteFunc(slices.Sorted(maps.Keys(keys)), func(key string) bool { return key == last })
	for _, key := range append(order, last) {
		if err := c.put(ctx, bucket, key, keys[key]); err != nil {
			return fmt.Errorf("upload %s: %w", key, err)
		}
	}
	return nil
}

// rtcScript copies the RTC library into the bucket, and returns the hash by which it is known; empty without one.
func (c *Cloud) rtcScript(ctx context.Context, bucket, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	pinned := hex.EncodeToString(sum[:])
	if err := c.put(ctx, bucket, "rtc/"+pinned+".js", name); err != nil {
		return "", fmt.Errorf("upload %s: %w", name, err)
	}
	return pinned, nil
}

func (c *Cloud) put(ctx context.Context, bucket, key, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // read only
	kind := mime.TypeByExtension(filepath.Ext(name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	_, err = c.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: file, ContentType: &kind})
	return err
}

// architecture is Lambda's name for a processor.
func architecture(goarch string) string {
	if goarch == "amd64" {
		return "x86_64"
	}
	return goarch
}
