// Package api answers the admin API over HTTP: it translates requests into calls of the domain, and their outcome back.
package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/throttle"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
	"github.com/earshot-hq/earshot/services/admin/internal/feed"
)

// A Verifier recognises the sender of a bearer token.
type Verifier interface {
	Verify(ctx context.Context, token string) (access.Actor, error)
}

// Config is what the API needs. Zero durations get the defaults named.
type Config struct {
	Directory tenant.Directory
	Starter   operation.Starter
	Rollouts  operation.Rollouts
	Cells     tenant.Cells
	History   operation.History
	Feed      *feed.Feed
	Ledger    access.Ledger
	Keys      access.Keys
	Gauges    tenant.Gauges
	Recorder  operation.Recorder
	Managers  tenant.Managers
	Spaces    tenant.Spaces
	Setups    tenant.Setups
	// ConnectTemplateURL is where customers' consoles find infra/customer-connect.yaml; empty: nobody is shown where.
	ConnectTemplateURL string
	Verifier           Verifier
	Ready              func(context.Context) (map[string]string, error)
	Observe            func(method, route string, status int, took time.Duration)
	Log                *slog.Logger

	// TrustedProxies are the networks whose X-Forwarded-For says where a request came from; empty: nobody's does.
	TrustedProxies []string

	Limit     throttle.Limit // of one who is recognised
	Strangers throttle.Limit // of tries from one address that fail
	// SetupLimit is for looks at one Connect instance, whoever asks: Connect counts them against the customer's own use.
	SetupLimit throttle.Limit

	Heartbeat time.Duration // 15 s: the longest silence of an event stream
}

// API is the admin API.
type API struct {
	Config
	routes    map[string]route // by method and gin's path
	spec      specification
	seen      sightings
	callers   *throttle.Callers // by subject
	strangers *throttle.Callers // by address
	looks     *throttle.Callers // by tenant and alias
	handler   http.Handler
	closing   chan struct{} // closed when event streams must end
	close     func()
}

var _ apigen.StrictServerInterface = (*API)(nil)

// gin keeps its mode in a variable of the process.
var releaseMode = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

// New builds the API from the specification.
func New(c Config) (*API, error) {
	if c.Heartbeat == 0 {
		c.Heartbeat = 15 * time.Second
	}
	spec, err := loadSpecification()
	if err != nil {
		return nil, err
	}
	a := &API{Config: c, spec: spec, routes: spec.routes(), callers: throttle.New(c.Limit), strangers: throttle.New(c.Strangers), looks: throttle.New(c.SetupLimit), closing: make(chan struct{})}
	a.close = sync.OnceFunc(func() { close(a.closing) })
	if err := a.build(); err != nil {
		return nil, err
	}
	return a, nil
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// CloseStreams ends the event streams, which would go on for as long as their operations.
func (a *API) CloseStreams() { a.close() }

// ownContext gives a handler a context that gin does not use again for another request: clients of databases and of AWS may look
// at theirs once more when the answer is out.
func ownContext(next apigen.StrictHandlerFunc, _ string) apigen.StrictHandlerFunc {
	return func(c *gin.Context, request any) (any, error) { return next(c.Copy(), request) }
}

// build makes the router. Every way in which gin or the generated code would answer an error by itself is replaced.
func (a *API) build() error {
	releaseMode()
	engine := gin.New()
	engine.ContextWithFallback = true // a handler's context ends with its request
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.ForwardedByClientIP = len(a.TrustedProxies) > 0
	engine.RemoteIPHeaders = []string{"X-Forwarded-For"}
	if err := engine.SetTrustedProxies(a.TrustedProxies); err != nil {
		return fmt.Errorf("read the trusted proxies: %w", err)
	}
	engine.Use(a.observe, a.recover, a.guard)
	engine.NoRoute(func(c *gin.Context) { a.fail(c, problem.ErrNoRoute) })
	engine.NoMethod(func(c *gin.Context) { a.fail(c, problem.ErrNoMethod) })
	strict := apigen.NewStrictHandlerWithOptions(a, []apigen.StrictMiddlewareFunc{ownContext}, apigen.StrictGinServerOptions{
		RequestErrorHandlerFunc:  func(c *gin.Context, _ error) { a.fail(c, problem.ErrMalformed) },
		HandlerErrorFunc:         a.fail,
		ResponseErrorHandlerFunc: a.fail,
	})
	apigen.RegisterHandlersWithOptions(engine, strict, apigen.GinServerOptions{
		ErrorHandler: func(c *gin.Context, _ error, _ int) { a.fail(c, problem.ErrInvalid) },
	})
	a.handler = engine
	return nil
}
