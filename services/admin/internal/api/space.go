package api

import (
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// spaceTo shows what came of a space, nil where nothing has looked yet.
func spaceTo(s *operation.SpaceReport) *apigen.SpaceReport {
	if s == nil {
		return nil
	}
	return &apigen.SpaceReport{
		Version: s.Version, Managed: s.Managed, Created: listed(s.Created), Updated: listed(s.Updated), Removed: listed(s.Removed),
		Edited: listed(s.Edited), Conflicts: listed(s.Conflicts), Deleted: listed(s.Deleted),
	}
}
