// Package fakeconnect is a stand-in for the part of Amazon Connect's API that reads an agent directory and what is set up for
// softphones: SearchUsers, DescribeUserHierarchyGroup, ListRoutingProfiles and ListApprovedOrigins, in AWS's REST-JSON protocol. Where it is kinder than Connect:
//
//   - it checks the form of a signature (SigV4, the service, the date, the headers that must be signed), never the signature
//     itself, and so neither who signed nor what that role may do;
//   - it throttles when told to, not by a rate of its own;
//   - filters, criteria, tags and every other call are missing: each is refused as unknown.
package fakeconnect

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Connect answers for its instances. Use New.
type Connect struct {
	now func() time.Time
	mux *http.ServeMux

	mu      sync.Mutex
	centres map[string]*centre  // by instance id; guarded by mu
	origins map[string][]string // approved, by instance id; guarded by mu
	fault   Fault               // guarded by mu
	calls   []Call              // guarded by mu
}

// A Fault is what goes wrong until it is taken back. Of several that could strike, throttling goes first.
type Fault struct {
	// Throttle is how many of the next requests are throttled.
	Throttle int `json:"throttle"`
	// Operation, with Page (1 is the first; 0: each), fails as Code says: AccessDeniedException, InternalServiceException, ….
	Operation string `json:"operation"`
	Page      int    `json:"page"`
	Code      string `json:"code"`
}

// A Call is a request that was made.
type Call struct {
	At         time.Time `json:"at"`
	Operation  string    `json:"operation"`
	InstanceID string    `json:"instance_id"`
	Page       int       `json:"page"` // 1 is the first; 0 of an operation without pages
	SignedBy   string    `json:"signed_by"`
	IsSession  bool      `json:"is_session"` // signed with a role's session
	Code       string    `json:"code"`       // of the error; empty: it was answered
}

// maxCalls bounds the log of calls.
const maxCalls = 10_000

// New returns a Connect without instances.
func New() *Connect {
	c := &Connect{now: time.Now, mux: http.NewServeMux(), centres: map[string]*centre{}, origins: map[string][]string{}}
	c.handle("POST /search-users", "SearchUsers", (*Connect).searchUsers)
	c.handle("GET /user-hierarchy-groups/{instance}/{group}", "DescribeUserHierarchyGroup", (*Connect).describeGroup)
	c.handle("GET /routing-profiles-summary/{instance}", "ListRoutingProfiles", (*Connect).listProfiles)
	c.handle("GET /instance/{instance}/approved-origins", "ListApprovedOrigins", (*Connect).listOrigins)
	c.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &refusal{http.StatusNotFound, "UnknownOperationException", "This stand-in has no " + r.Method + " " + r.URL.Path + "."})
	})
	return c
}

// ServeHTTP answers one request of an AWS client.
func (c *Connect) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

var arnForm = regexp.MustCompile(`^arn:aws[a-z-]*:connect:[a-z0-9-]+:\d{12}:instance/[0-9a-f-]{36}$`)

// SetInstance makes an instance with this many agents, or makes it anew.
func (c *Connect) SetInstance(arn string, agents int) error {
	const most = 100_000
	if !arnForm.MatchString(arn) || agents < 0 || agents > most {
		return fmt.Errorf("instance %q with %d agents: send the ARN of an instance and 0 to %d agents", arn, agents, most)
	}
	made := newCentre(arn, agents)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.centres[made.id] = made
	return nil
}

// SetOrigins has the instance of that ARN approve these origins, and no others.
func (c *Connect) SetOrigins(arn string, origins []string) error {
	if !arnForm.MatchString(arn) {
		return fmt.Errorf("instance %q: send the ARN of an instance", arn)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.origins[arn[strings.LastIndex(arn, "/")+1:]] = slices.Clone(origins)
	return nil
}

// SetFault has requests go wrong from now on; the zero value mends all.
func (c *Connect) SetFault(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = f
}

// Calls returns the requests since the last Forget, oldest first.
func (c *Connect) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Call{}, c.calls...)
}

// Forget empties the log of requests.
func (c *Connect) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = nil
}

// A refusal is an error of the API.
type refusal struct {
	status  int
	code    string
	message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// request is what the operations need of a request.
type request struct {
	instance string
	group    string
	most     int
	from     int // index of the page's first
	page     int
}

type answerer func(*Connect, *centre, request) (any, error)

// handle has an operation answered after what all have in common: signature, faults, the instance and the page.
func (c *Connect) handle(pattern, operation string, answer answerer) {
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		call := Call{At: c.now(), Operation: operation, IsSession: r.Header.Get("X-Amz-Security-Token") != ""}
		body, err := c.answer(r, &call, answer)
		if err != nil {
			said, ok := err.(*refusal) //nolint:errorlint // made here alone, never wrapped
			if !ok {
				said = &refusal{http.StatusInternalServerError, "InternalServiceException", err.Error()}
			}
			call.Code = said.code
			c.note(call)
			refuse(w, said)
			return
		}
		c.note(call)
		write(w, http.StatusOK, body)
	})
}

func (c *Connect) answer(r *http.Request, call *Call, answer answerer) (any, error) {
	var err error
	if call.SignedBy, err = c.checkSignature(r); err != nil {
		return nil, err
	}
	asked, err := read(r)
	if err != nil {
		return nil, err
	}
	call.InstanceID, call.Page = asked.instance, asked.page
	if err := c.strike(*call); err != nil {
		return nil, err
	}
	c.mu.Lock()
	found := c.centres[asked.instance]
	c.mu.Unlock()
	if found == nil {
		return nil, &refusal{http.StatusNotFound, "ResourceNotFoundException", "There is no such instance."}
	}
	return answer(c, found, asked)
}

func (c *Connect) note(call Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls[max(0, len(c.calls)-maxCalls+1):], call)
}

var statuses = map[string]int{
	"AccessDeniedException": http.StatusForbidden, "InvalidRequestException": http.StatusBadRequest,
	"ResourceNotFoundException": http.StatusNotFound, "ThrottlingException": http.StatusTooManyRequests,
}

// strike returns the error of the fault that is on, if it is this request's.
func (c *Connect) strike(call Call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &c.fault
	var code string
	switch {
	case f.Throttle > 0:
		f.Throttle--
		code = "ThrottlingException"
	case f.Operation == call.Operation && (f.Page == 0 || f.Page == call.Page):
		code = f.Code
	default:
		return nil
	}
	return &refusal{cmp.Or(statuses[code], http.StatusInternalServerError), code, "Asked for by the stand-in's control."}
}

// read takes what an operation is about from path, query and body.
func read(r *http.Request) (request, error) {
	asked := request{instance: r.PathValue("instance"), group: r.PathValue("group")}
	most, token := r.URL.Query().Get("maxResults"), r.URL.Query().Get("nextToken")
	if r.Method == http.MethodPost {
		const maxBody = 64 << 10
		var body struct {
			InstanceID string `json:"InstanceId"`
			MaxResults int
			NextToken  string
		}
		text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
		if err == nil {
			err = json.Unmarshal(text, &body)
		}
		if err != nil {
			return asked, &refusal{http.StatusBadRequest, "InvalidRequestException", "The body is not JSON."}
		}
		asked.instance, most, token = body.InstanceID, strconv.Itoa(body.MaxResults), body.NextToken
	}
	asked.most, _ = strconv.Atoi(most)
	asked.page = 1
	if token != "" {
		text, err := base64.URLEncoding.DecodeString(token)
		if err == nil {
			_, err = fmt.Sscanf(string(text), "%d/%d", &asked.page, &asked.from)
		}
		if err != nil || asked.from < 0 {
			return asked, &refusal{http.StatusBadRequest, "InvalidRequestException", "The token is not one of ours."}
		}
	}
	if asked.group != "" {
		asked.page = 0
	}
	return asked, nil
}

// page cuts a page out of a list and returns the token of the next, empty at the end. size is what a page has at most, usual
// what it has where nobody asks.
func page[T any](list []T, asked request, usual, size int) ([]T, string, error) {
	most := cmp.Or(asked.most, usual)
	if most < 1 || most > size {
		return nil, "", &refusal{http.StatusBadRequest, "InvalidRequestException", fmt.Sprintf("A page has 1 to %d.", size)}
	}
	from := min(asked.from, len(list))
	to := min(from+most, len(list))
	if to == len(list) {
		return list[from:to], "", nil
	}
	return list[from:to], base64.URLEncoding.EncodeToString(fmt.Appendf(nil, "%d/%d", asked.page+1, to)), nil
}

func refuse(w http.ResponseWriter, r *refusal) {
	w.Header().Set("X-Amzn-Errortype", r.code)
	write(w, r.status, map[string]string{"Message": r.message})
}

func write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic("fakeconnect: " + err.Error()) // texts and numbers only
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // whoever does not wait for it needs none
}

var credentialForm = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([A-Za-z0-9]{12,128})/(\d{8})/[a-z0-9-]+/connect/aws4_request, ` +
	`SignedHeaders=([a-z0-9;-]+), Signature=[0-9a-f]{64}$`)

// checkSignature returns the access key of a request that has the form of a signed one.
func (c *Connect) checkSignature(r *http.Request) (string, error) {
	const skew = 5 * time.Minute
	refused := &refusal{http.StatusForbidden, "MissingAuthenticationTokenException", "Sign the request with SigV4 for connect."}
	parts := credentialForm.FindStringSubmatch(r.Header.Get("Authorization"))
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if parts == nil || err != nil || parts[2] != at.Format("20060102") || c.now().Sub(at).Abs() > skew {
		return "", refused
	}
	for _, name := range []string{"host", "x-amz-date"} {
		if !strings.Contains(";"+parts[3]+";", ";"+name+";") {
			return "", refused
		}
	}
	return parts[1], nil
}
