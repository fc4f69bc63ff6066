// Package infra holds the CloudFormation templates, and makes them ready to be sent.
package infra

import (
	"bytes"
	"slices"
)

// MaxBody is how many bytes a template may have that is sent in the request itself (aws.md 8.1).
const MaxBody = 51_200

// Packed returns a template without its comments and empty lines. A line whose first character is # is a comment: no template has
// a block of text with such a line in it.
func Packed(template []byte) []byte {
	lines := slices.Collect(bytes.Lines(template))
	return bytes.Join(slices.DeleteFunc(lines, func(line []byte) bool {
		text := bytes.TrimSpace(line)
		return len(text) == 0 || text[0] == '#'
	}), nil)
}
