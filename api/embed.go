// Package api holds the contract of the admin API, from which server, validation, documentation and clients come.
package api

import _ "embed"

// Specification is openapi.yaml, an OpenAPI 3.1 document.
//
//go:embed openapi.yaml
var Specification []byte
