package searchtenant

import (
	"github.com/earshot-hq/earshot/internal/slug"
)

// role is a role of the security plugin as its API reads and writes it. The members that we never set are here so that a
// difference in them is seen.
type role struct {
	Description string             `json:"description,omitempty"`
	Cluster     []string           `json:"cluster_permissions"`
	Index       []indexPermission  `json:"index_permissions"`
	Tenant      []tenantPermission `json:"tenant_permissions"`
}

type indexPermission struct {
	Patterns []string `json:"index_patterns"`
	DLS      string   `json:"dls,omitempty"`
	FLS      []string `json:"fls,omitempty"`
	Masked   []string `json:"masked_fields,omitempty"`
	Actions  []string `json:"allowed_actions"`
}

type tenantPermission struct {
	Patterns []string `json:"tenant_patterns"`
	Actions  []string `json:"allowed_actions"`
}

// writerRole may add documents to the tenant's indices, and an index for them. It can neither read nor search, nor update
// by script, nor delete.
func writerRole(s slug.Slug) role {
	return role{
		Cluster: []string{"indices:data/write/bulk*"},
		Index: []indexPermission{{
			Patterns: []string{s.IndexPattern()},
			Actions:  []string{"indices:data/write/index", "indices:data/write/bulk*", "create_index", "indices:admin/mapping/put"},
		}},
		Tenant: []tenantPermission{},
	}
}

// readerRole may read the tenant's indices and its space. What it may on the cluster is what Dashboards reads with:
// several searches or documents in one request, each still checked against the patterns.
func readerRole(s slug.Slug) role {
	return role{
		Cluster: []string{"indices:data/read/mget", "indices:data/read/msearch", "indices:data/read/scroll", "indices:admin/resolve/index"},
		Index: []indexPermission{{
			Patterns: []string{s.IndexPattern()},
			Actions:  readActions(),
		}},
		Tenant: []tenantPermission{{Patterns: []string{s.Space()}, Actions: []string{"kibana_all_read"}}},
	}
}

// readActions are those of the security plugin's group "read" without points in time: one of them lists the open ones of the
// whole cluster, and the neighbours' index names are in their ids.
func readActions() []string {
	return []string{
		"indices:data/read/search*", "indices:data/read/msearch*", "indices:data/read/scroll", "indices:data/read/get*",
		"indices:data/read/mget*", "indices:data/read/explain*", "indices:data/read/tv*", "indices:data/read/mtv*",
		"indices:data/read/field_caps*", "indices:admin/mappings/fields/get*", "indices:admin/resolve/index",
		"indices:admin/refresh*", // so that the probe need not wait for it
	}
}

// editorRole is readerRole with the right to change the space. Its bulks reach the space only: each item is checked too.
func editorRole(s slug.Slug) role {
	editor := readerRole(s)
	editor.Cluster = append(editor.Cluster, "indices:data/write/bulk*")
	editor.Tenant[0].Actions = []string{"kibana_all_read", "kibana_all_write"}
	return editor
}
