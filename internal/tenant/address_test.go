package tenant

import "testing"

// Case 27: which addresses are a Connect CCP, and which only look like one.
func TestNormalCCPURL(t *testing.T) {
	t.Parallel()
	const refused = ""
	for _, c := range []struct{ name, in, want string }{
		{"newer host", "https://case.my.connect.aws/ccp-v2/", "https://case.my.connect.aws/ccp-v2"},
		{"no slash", "https://case.my.connect.aws/ccp-v2", "https://case.my.connect.aws/ccp-v2"},
		{"older host", "https://case.awsapps.com/connect/ccp-v2", "https://case.awsapps.com/connect/ccp-v2"},
		{"fragment", "https://case.awsapps.com/connect/ccp-v2#/", "https://case.awsapps.com/connect/ccp-v2"},
		{"older path on newer host", "https://CASE.my.connect.aws/connect/ccp-v2", "https://case.my.connect.aws/ccp-v2"},
		{"government", "https://case.govcloud.connect.aws/ccp-v2/", "https://case.govcloud.connect.aws/ccp-v2"},
		{"default port", "https://case.my.connect.aws:443/ccp-v2", "https://case.my.connect.aws/ccp-v2"},
		{"listed host", "https://ccp.example.com:8443/ccp-v2", "https://ccp.example.com:8443/ccp-v2"},
		{"listed localhost over http", "http://ccp.localhost:8080/ccp-v2", "http://ccp.localhost:8080/ccp-v2"},
		{"home page", "https://case.my.connect.aws/", refused},
		{"old panel", "https://case.my.connect.aws/ccp", refused},
		{"http", "http://case.my.connect.aws/ccp-v2/", refused},
		{"http to a listed host", "http://ccp.example.com/ccp-v2", refused},
		{"suffix of another host", "https://case.my.connect.aws.evil.example/ccp-v2/", refused},
		{"domain in the query", "https://evil.example/ccp-v2/?x=.my.connect.aws", refused},
		{"domain as user", "https://case.my.connect.aws@evil.example/ccp-v2/", refused},
		{"script", "javascript:alert(1)", refused},
		{"escaped line feed", "https://case.my.connect.aws/ccp-v2/%0d%0aset-cookie:x", refused},
		{"console", "https://eu-central-1.console.aws.amazon.com/connect/federate/0000?destination=%2Fccp-v2", refused},
		{"no alias", "https://.my.connect.aws/ccp-v2", refused},
		{"alias of two labels", "https://a.b.my.connect.aws/ccp-v2", refused},
		{"port on a Connect host", "https://case.my.connect.aws:8443/ccp-v2", refused},
		{"international host", "https://bücher.my.connect.aws/ccp-v2", refused},
		{"address", "https://10.0.0.8/ccp-v2", refused},
		{"older path missing on older host", "https://case.awsapps.com/ccp-v2", refused},
		{"nothing", "", refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := normalCCPURL(c.in, []string{"ccp.example.com", "ccp.localhost"})
			if got != c.want || (err == nil) != (c.want != refused) {
				t.Errorf("normalCCPURL(%q) = %q, %v; want %q", c.in, got, err, c.want)
			}
		})
	}
}

// Case 23: the origins that a tenant may store, in the form that browsers send.
func TestNormalOrigin(t *testing.T) {
	t.Parallel()
	const refused = ""
	for _, c := range []struct{ in, want string }{
		{"https://softphone.acme.example", "https://softphone.acme.example"},
		{"https://softphone.acme.example/", "https://softphone.acme.example"},
		{"HTTPS://Softphone.Acme.Example:443", "https://softphone.acme.example"},
		{"https://softphone.acme.example:8443", "https://softphone.acme.example:8443"},
		{"https://xn--bcher-kva.example", "https://xn--bcher-kva.example"},
		{"http://localhost:3000", "http://localhost:3000"},
		{"http://E1ABC.cloudfront.localhost:4566", "http://e1abc.cloudfront.localhost:4566"},
		{"softphone.acme.example", refused},
		{"https://*.example", refused},
		{"http://intranet", refused},
		{"https://user@host.example", refused},
		{"https://host.example/path", refused},
		{"https://host.example?", refused},
		{"https://host.example?x", refused},
		{"https://host.example:", refused},
		{"https://host.example.", refused},
		{"https://bücher.example", refused},
		{"null", refused},
		{"file://", refused},
		{"", refused},
	} {
		t.Run(c.in, func(t *testing.T) {
			t.Parallel()
			got, err := NormalOrigin(c.in)
			if got != c.want || (err == nil) != (c.want != refused) {
				t.Errorf("NormalOrigin(%q) = %q, %v; want %q", c.in, got, err, c.want)
			}
		})
	}
}
