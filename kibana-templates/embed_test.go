package kibanatemplates_test

import (
	"testing"

	"github.com/earshot-hq/earshot/internal/savedobjects"
	kibanatemplates "github.com/earshot-hq/earshot/kibana-templates"
)

func TestTemplatesHold(t *testing.T) {
	t.Parallel()
	objects, err := savedobjects.Read(kibanatemplates.Files)
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) == 0 {
		t.Error("there are none")
	}
}
