package e2e_test

import (
	"testing"
)

// An admin's work in the portal, in Chromium: portal/test/browser says what is looked at. Pictures go to portal/screenshots.
func TestThePortalInABrowser(t *testing.T) {
	setup(t).Browse(t, "portal")
}
