package main

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/earshot-hq/earshot/internal/roster"
)

// roles are tenants' own reader and editor roles, as the gateway enters them.
type roles struct {
	identity aws.Config

	mu    sync.Mutex
	known map[role]aws.CredentialsProvider // guarded by mu
}

type role struct{ arn, externalID, region string }

func newRoles(identity aws.Config) *roles {
	return &roles{identity: identity, known: map[role]aws.CredentialsProvider{}}
}

// credentials are those of the tenant's reader, or of its editor. Nothing is called yet: a role that cannot be entered shows when
// they are used.
func (r *roles) credentials(t roster.Tenant, isEditor bool) aws.CredentialsProvider {
	k := role{t.ReaderRoleARN, t.ExternalID, t.Region}
	if isEditor {
		k.arn = t.EditorRoleARN
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, isKnown := r.known[k]; isKnown {
		return known
	}
	as := r.identity.Copy()
	as.Region = t.Region
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(as), k.arn, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName, o.ExternalID = "gateway", aws.String(k.externalID)
	})
	if len(r.known) >= most {
		clear(r.known)
	}
	made := aws.NewCredentialsCache(provider)
	r.known[k] = made
	return made
}
