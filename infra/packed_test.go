package infra_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/earshot-hq/earshot/infra"
)

// TestTemplatesCanBeSent wants every template that is sent in a request to fit, with room for changes, and each to mean the same when its
// comments are gone. The tenants' template is given by its address alone: from a bucket CloudFormation takes 1 MB (aws.md 8.1).
func TestTemplatesCanBeSent(t *testing.T) {
	t.Parallel()
	const room = 2_000
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			most := infra.MaxBody - room
			if file == "tenant.yaml" {
				most = 200_000
			}
			packed := infra.Packed(text)
			assert.Less(t, len(packed), most, "bytes: split the template, or deploy it from a bucket everywhere")
			assert.NotRegexp(t, `(?m)^ *#`, string(packed))
			assert.Equal(t, parse(t, file, text), parse(t, file, packed), "what is left means something else")
		})
	}
}

// A line that begins with # within a block of text would be taken for a comment: what means something else is seen.
func TestATemplateThatLosesTextIsSeen(t *testing.T) {
	t.Parallel()
	text := []byte("Script: |\n  # echo\n  exit\n")
	assert.NotEqual(t, parse(t, "a script", text), parse(t, "a script", infra.Packed(text)))
}
