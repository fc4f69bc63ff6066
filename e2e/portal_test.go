package e2e_test

import (
	"testing"
)

// An admin's work in the portal, in Chromium: portal/test/browser says what is looked at. Pictures go to portal/screenshots.
func TestThePortalInABrowser(t *testing.T) {
	w := setup(t)
	atOnce(t)
	w.Browse(t, "portal")
}
