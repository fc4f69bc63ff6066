package part

import "testing"

func TestNodesThatTheSiteIsBuiltWith(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"v20.19.0": true, "v20.18.3": false, "v18.20.4": false, "v21.7.0": false, "v22.12.0": false, "v22.13.0": true, "v23.1.0": false,
		"v24.0.0": true, "v25.2.1": true, "": false, "20.19.0": false, "v20": false,
	} {
		if got := runsSiteTools(version); got != want {
			t.Errorf("Node %q: %v, want %v", version, got, want)
		}
	}
}
