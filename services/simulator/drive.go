package main

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/earshot-hq/earshot/services/simulator/internal/ccp"
	"github.com/earshot-hq/earshot/services/simulator/internal/media"
	"github.com/earshot-hq/earshot/services/simulator/internal/relay"
)

// drive lets tests and people play the customer and the network, below /sim. Like control it asks nobody who they are, but a
// page of another origin drives nothing.
//
//	GET    /sim/ccp/agents                       who has signed in
//	DELETE /sim/ccp/agents/{name}                sign an agent out
//	GET    /sim/ccp/contacts                     the calls that there are
//	POST   /sim/ccp/contacts                     {"agent": …, "queue": …, "length_seconds": …, …}: place a call → {"id": …}
//	POST   /sim/ccp/contacts/{id}/hang-up        the customer hangs up; a call that rings is missed
//	POST   /sim/ccp/contacts/{id}/clear          take away one that is over
//	POST   /sim/ccp/contacts/{id}/say            {"sound": "tone" | "silence" | "nothing"}: what the agent hears
//	GET    /sim/ccp/faults, PUT                  {"api": [{"method": …, "latency_millis": …, "status": …}], "invite_code": …}
//	GET    /sim/ccp/calls, DELETE                what Connect's library called, oldest first; forget it
//	GET    /sim/ccp/agents/{name}/impairments, PUT   as below, of that agent's calls alone
//	GET    /sim/impairments, PUT                 {"to_agent": {"loss": …, …}, "from_agent": {…}, "unreachable": …}
func drive(c *ccp.Centre, r *relay.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sim/ccp/agents", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, c.Agents()) })
	mux.HandleFunc("DELETE /sim/ccp/agents/{name}", func(w http.ResponseWriter, r *http.Request) {
		settle(w, c.SignOut(r.PathValue("name")))
	})
	mux.HandleFunc("GET /sim/ccp/contacts", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, c.Contacts()) })
	mux.HandleFunc("POST /sim/ccp/contacts", func(w http.ResponseWriter, r *http.Request) { place(c, w, r) })
	mux.HandleFunc("POST /sim/ccp/contacts/{id}/hang-up", func(w http.ResponseWriter, r *http.Request) {
		settle(w, c.HangUp(r.PathValue("id")))
	})
	mux.HandleFunc("POST /sim/ccp/contacts/{id}/clear", func(w http.ResponseWriter, r *http.Request) {
		settle(w, c.Clear(r.PathValue("id")))
	})
	mux.HandleFunc("POST /sim/ccp/contacts/{id}/say", func(w http.ResponseWriter, r *http.Request) { say(c, w, r) })
	mux.HandleFunc("GET /sim/ccp/faults", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, c.Faults()) })
	mux.HandleFunc("PUT /sim/ccp/faults", func(w http.ResponseWriter, r *http.Request) {
		var f ccp.Faults
		if read(w, r, &f) {
			settle(w, c.Fail(f))
		}
	})
	mux.HandleFunc("GET /sim/ccp/calls", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, c.Calls()) })
	mux.HandleFunc("DELETE /sim/ccp/calls", func(w http.ResponseWriter, _ *http.Request) {
		c.Forget()
		settle(w, nil)
	})
	for _, path := range []string{"/sim/impairments", "/sim/ccp/agents/{name}/impairments"} { // the first names nobody: everybody
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, request *http.Request) {
			write(w, http.StatusOK, r.Impairments(request.PathValue("name")))
		})
		mux.HandleFunc("PUT "+path, func(w http.ResponseWriter, request *http.Request) {
			var i relay.Impairments
			if read(w, request, &i) {
				settle(w, r.Impair(request.PathValue("name"), i))
			}
		})
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

func place(c *ccp.Centre, w http.ResponseWriter, r *http.Request) {
	var o ccp.Order
	if !read(w, r, &o) {
		return
	}
	id, err := c.Place(o)
	if err != nil {
		settle(w, err)
		return
	}
	write(w, http.StatusCreated, map[string]string{"id": id})
}

func say(c *ccp.Centre, w http.ResponseWriter, r *http.Request) {
	var body struct {
		Sound string `json:"sound"`
	}
	if !read(w, r, &body) {
		return
	}
	sound, known := map[string]media.Sound{"tone": media.Tone, "silence": media.Silence, "nothing": media.Nothing}[body.Sound]
	if !known {
		settle(w, errors.New(`sound: send "tone", "silence" or "nothing"`))
		return
	}
	settle(w, c.Say(r.PathValue("id"), sound))
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever does not wait for it needs none
}

// settle answers a change.
func settle(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, ccp.ErrAbsent), errors.Is(err, ccp.ErrContact):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, ccp.ErrBusy):
		http.Error(w, err.Error(), http.StatusConflict)
	default:
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
	}
}
