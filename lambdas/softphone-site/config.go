package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/earshot-hq/earshot/internal/slug"
)

// properties are those of Custom::SoftphoneSite.
type properties struct {
	Slug             string
	DisplayName      string
	Bucket           string
	ArtifactVersion  string
	TelemetryAPI     string
	ConnectInstances string // JSON
	Region           string
	SiteOrigin       string // part of the properties so that a changed one is published
	MediaOwner       string
}

// siteConfig is config.json, which the site reads first.
type siteConfig struct {
	Tenant           string     `json:"tenant"`
	DisplayName      string     `json:"displayName"`
	Region           string     `json:"region"`
	TelemetryAPI     string     `json:"telemetryApi"`
	ConnectInstances []instance `json:"connectInstances"`
	MediaOwner       string     `json:"mediaOwner"`
	RTCScript        *script    `json:"rtcScript,omitempty"` // for a page that owns the media
	ArtifactVersion  string     `json:"artifactVersion"`
}

// A script is loaded by the page if its content is the one that was pinned.
type script struct {
	Source    string `json:"src"`
	Integrity string `json:"integrity"`
}

type instance struct {
	Alias   string `json:"alias"`
	Region  string `json:"region"`
	CCPURL  string `json:"ccpUrl"`
	SAMLURL string `json:"samlUrl,omitempty"`
}

var (
	errForeignBucket = errors.New("the bucket is not the tenant's")
	errVersion       = errors.New("ArtifactVersion is no version")
)

// config returns what the site of a tenant reads.
func (p properties) config(s slug.Slug) (siteConfig, error) {
	c := siteConfig{
		Tenant: s.String(), DisplayName: p.DisplayName, Region: p.Region, TelemetryAPI: p.TelemetryAPI,
		ConnectInstances: []instance{}, MediaOwner: p.MediaOwner, ArtifactVersion: p.ArtifactVersion,
	}
	if p.ConnectInstances == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(p.ConnectInstances), &c.ConnectInstances); err != nil {
		return c, fmt.Errorf("property ConnectInstances: %w", err)
	}
	return c, nil
}

// check refuses properties that would reach beyond the tenant's bucket or the version's site.
func (p properties) check(s slug.Slug) error {
	switch {
	case !strings.HasPrefix(p.Bucket, s.ResourcePrefix()):
		return fmt.Errorf("%w: %q", errForeignBucket, p.Bucket)
	case p.ArtifactVersion == "" || strings.Contains(p.ArtifactVersion, "/"):
		return fmt.Errorf("%w: %q", errVersion, p.ArtifactVersion)
	}
	return nil
}
