// Package kibanatemplates holds the saved objects that every tenant's space begins with, one file each: <type>/<id>.json.
// internal/savedobjects reads them.
package kibanatemplates

import "embed"

// Files are the objects. Where an index is named, savedobjects.Placeholder stands for the tenant.
//
//go:embed */*.json
var Files embed.FS
