// Package migrations holds the schema of the control plane's database, as goose reads it. Each file is tested up, down
// and up again with the rows of fixtures/ in it.
package migrations

import "embed"

// Files are the migrations, in the order of their names.
//
//go:embed *.sql
var Files embed.FS
