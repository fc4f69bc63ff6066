package api

import (
	"context"
	"net/http"

	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// ListConnectInstances lists a tenant's Connect instances.
func (a *API) ListConnectInstances(
	ctx context.Context, r apigen.ListConnectInstancesRequestObject,
) (apigen.ListConnectInstancesResponseObject, error) {
	t, err := a.tenantAt(ctx, r.Slug)
	if err != nil {
		return nil, err
	}
	list := apigen.ConnectInstanceList{Items: make([]apigen.ConnectInstance, 0, len(t.ConnectInstances))}
	for _, c := range t.ConnectInstances {
		list.Items = append(list.Items, a.instanceOf(t, c))
	}
	return apigen.ListConnectInstances200JSONResponse{
		Body: list, Headers: apigen.ListConnectInstances200ResponseHeaders{ETag: tagOf(t.Version)},
	}, nil
}

// GetConnectInstance shows one.
func (a *API) GetConnectInstance(
	ctx context.Context, r apigen.GetConnectInstanceRequestObject,
) (apigen.GetConnectInstanceResponseObject, error) {
	t, err := a.tenantAt(ctx, r.Slug)
	if err != nil {
		return nil, err
	}
	c, err := t.Instance(r.Alias)
	if err != nil {
		return nil, err
	}
	return apigen.GetConnectInstance200JSONResponse{
		Body: a.instanceOf(t, c), Headers: apigen.GetConnectInstance200ResponseHeaders{ETag: tagOf(t.Version)},
	}, nil
}

// AddConnectInstance adds one.
func (a *API) AddConnectInstance(
	ctx context.Context, r apigen.AddConnectInstanceRequestObject,
) (apigen.AddConnectInstanceResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	added := instanceFrom(*r.Body)
	caller := callOf(ctx)
	return answer(a.Starter.StartUpdate(ctx, caller.actor, name, changeOf(tenant.InstancesChange{Add: &added}), nil, caller.write()))
}

// UpdateConnectInstance changes one.
func (a *API) UpdateConnectInstance(
	ctx context.Context, r apigen.UpdateConnectInstanceRequestObject,
) (apigen.UpdateConnectInstanceResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	seen, err := versionsOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	change := changeOf(tenant.InstancesChange{Change: &tenant.InstanceChange{
		Alias: r.Alias, CCPURL: r.Body.CcpUrl, SAMLURL: r.Body.SamlUrl, DirectoryRoleARN: r.Body.DirectoryRoleArn,
	}})
	return a.update(ctx, name, change, seen, func(t tenant.Tenant) (any, error) {
		c, err := t.Instance(r.Alias)
		return a.instanceOf(t, c), err
	})
}

// RemoveConnectInstance removes one.
func (a *API) RemoveConnectInstance(
	ctx context.Context, r apigen.RemoveConnectInstanceRequestObject,
) (apigen.RemoveConnectInstanceResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	seen, err := versionsOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	caller := callOf(ctx)
	change := changeOf(tenant.InstancesChange{Remove: r.Alias})
	return answer(a.Starter.StartUpdate(ctx, caller.actor, name, change, seen, caller.write()))
}

func changeOf(c tenant.InstancesChange) tenant.Change { return tenant.Change{ConnectInstances: c} }

// instanceOf is an instance with where its customer sets it up.
func (a *API) instanceOf(t tenant.Tenant, c tenant.ConnectInstance) apigen.ConnectInstance {
	out := instanceTo(c)
	out.SetupUrl = orNil(t.SetupURL(c, a.ConnectTemplateURL))
	return out
}

func instanceFrom(c apigen.ConnectInstanceDraft) tenant.ConnectInstance {
	return tenant.ConnectInstance{
		Alias: c.Alias, ARN: c.Arn, Region: orZero(c.Region), CCPURL: c.CcpUrl, SAMLURL: orZero(c.SamlUrl),
		DirectoryRoleARN: orZero(c.DirectoryRoleArn),
	}
}

func instanceTo(c tenant.ConnectInstance) apigen.ConnectInstance {
	return apigen.ConnectInstance{
		Alias: c.Alias, Arn: c.ARN, Region: c.Region, CcpUrl: c.CCPURL, SamlUrl: orNil(c.SAMLURL), DirectoryRoleArn: orNil(c.DirectoryRoleARN),
	}
}

// instancesChangeTo is nil for a change of other things.
func instancesChangeTo(c tenant.InstancesChange) *apigen.ConnectInstancesChange {
	if c == (tenant.InstancesChange{}) {
		return nil
	}
	out := &apigen.ConnectInstancesChange{Remove: orNil(c.Remove)}
	if c.Add != nil {
		out.Add = new(instanceTo(*c.Add))
	}
	if c.Change != nil {
		out.Change = &apigen.ConnectInstanceChanged{
			Alias: c.Change.Alias, CcpUrl: c.Change.CCPURL, SamlUrl: c.Change.SAMLURL, DirectoryRoleArn: c.Change.DirectoryRoleARN,
		}
	}
	return out
}

// VisitAddConnectInstanceResponse writes the answer.
func (s started) VisitAddConnectInstanceResponse(w http.ResponseWriter) error { return s.visit(w) }

// VisitRemoveConnectInstanceResponse writes the answer.
func (s started) VisitRemoveConnectInstanceResponse(w http.ResponseWriter) error { return s.visit(w) }

// VisitUpdateConnectInstanceResponse writes the answer.
func (u updated) VisitUpdateConnectInstanceResponse(w http.ResponseWriter) error {
	return u.visit(w)
}
