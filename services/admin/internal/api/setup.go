package api

import (
	"context"
	"time"

	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// CheckConnectInstance looks at what a customer has set up. It changes nothing, so that only a refused try is in the audit.
func (a *API) CheckConnectInstance(
	ctx context.Context, r apigen.CheckConnectInstanceRequestObject,
) (apigen.CheckConnectInstanceResponseObject, error) {
	t, err := a.tenantAt(ctx, r.Slug)
	if err != nil {
		return nil, err
	}
	c, err := t.Instance(r.Alias)
	if err != nil {
		return nil, err
	}
	if wait := a.looks.Take(t.ID+"/"+c.Alias, time.Now()); wait > 0 {
		return nil, throttled{wait, errThrottled}
	}
	found := a.Setups.Setup(ctx, t, c)
	check := apigen.CheckConnectInstance200JSONResponse{
		ConnectInstance: c.Alias, CheckedAt: found.At, Items: make([]apigen.SetupItem, 0, len(found.Items)),
	}
	for _, item := range found.Items {
		check.Items = append(check.Items, apigen.SetupItem{
			Item: apigen.SetupItemItem(item.Item), State: apigen.SetupItemState(item.State), Detail: item.Detail, Advice: orNil(item.Advice),
		})
	}
	return check, nil
}
