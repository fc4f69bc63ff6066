package main

import (
	"github.com/earshot-hq/earshot/internal/customresource"
	"github.com/earshot-hq/earshot/internal/s3conn"
	"github.com/earshot-hq/earshot/internal/settings"
)

// environment is what the cell's stack sets.
type environment struct {
	ArtifactBucket  string `env:"ARTIFACT_BUCKET,required,notEmpty"`
	RTCScriptSHA256 string `env:"RTC_SCRIPT_SHA256"`
}

// wire builds the handler from the environment.
func wire() (customresource.Provider, error) {
	env, err := settings.Load[environment]()
	if err != nil {
		return customresource.Provider{}, err
	}
	account, err := settings.FunctionAWS()
	if err != nil {
		return customresource.Provider{}, err
	}
	sites := &Sites{S3: s3conn.Open(account), Artifacts: env.ArtifactBucket, RTCScriptSHA256: env.RTCScriptSHA256}
	return customresource.Provider{Suffix: "site", Apply: sites.Apply}, nil
}
