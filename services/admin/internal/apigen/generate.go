// Package apigen is the admin API as Go types and routes, generated from api/openapi.yaml.
package apigen

//go:generate go tool -modfile=../../../../tools/go.mod oapi-codegen -config config.yaml ../../../../api/openapi.yaml
