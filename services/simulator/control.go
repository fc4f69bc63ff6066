package main

import (
	"encoding/json"
	"net/http"

	"github.com/earshot-hq/earshot/services/simulator/fakeconnect"
)

const maxBody = 64 << 10

// control lets tests and people decide what the stand-in does, below /sim. It asks nobody who they are: it is for one machine.
//
//	PUT    /sim/instances  {"arn": …, "agents": n}  make an instance, or make it anew
//	PUT    /sim/origins    {"arn": …, "origins": [...]}  which pages may frame its CCP
//	PUT    /sim/fault      {"throttle": n, "operation": …, "page": n, "code": …}; {} mends all
//	GET    /sim/calls      what was asked of Connect, oldest first
//	DELETE /sim/calls      forget it
//
// The rest is the directory's API, unless pages or driver have it.
func control(c *fakeconnect.Connect, pages, driver http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /sim/instances", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			ARN    string `json:"arn"`
			Agents int    `json:"agents"`
		}
		if read(w, r, &body) {
			done(w, c.SetInstance(body.ARN, body.Agents))
		}
	})
	mux.HandleFunc("PUT /sim/origins", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			ARN     string   `json:"arn"`
			Origins []string `json:"origins"`
		}
		if read(w, r, &body) {
			done(w, c.SetOrigins(body.ARN, body.Origins))
		}
	})
	mux.HandleFunc("PUT /sim/fault", func(w http.ResponseWriter, r *http.Request) {
		var fault fakeconnect.Fault
		if read(w, r, &fault) {
			c.SetFault(fault)
			done(w, nil)
		}
	})
	mux.HandleFunc("GET /sim/calls", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(c.Calls()) // whoever does not wait for it needs none
	})
	mux.HandleFunc("DELETE /sim/calls", func(w http.ResponseWriter, _ *http.Request) {
		c.Forget()
		done(w, nil)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	for _, pattern := range []string{"/ccp-v2/", "/LilyRTC", "/login", "/logout", "/sim/{$}"} {
		mux.Handle(pattern, pages)
	}
	mux.Handle("/sim/ccp/", driver)
	mux.Handle("/sim/impairments", driver)
	mux.Handle("/", c)
	return mux
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func done(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
