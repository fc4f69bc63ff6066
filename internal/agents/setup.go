package agents

// A Look asks what of a Connect instance's setup its customer has done. The function that reads directories takes it.
type Look struct {
	Alias    string `json:"alias"`
	Origin   string `json:"origin"`   // of the tenant's softphone; empty: nobody knows it yet
	PanelURL string `json:"panelUrl"` // of the Contact Control Panel
}

// Seen is what a Look has found. An empty text means that a thing is as it should be; else it is a code of this package's faults, or
// one of the constants below.
type Seen struct {
	Directory string `json:"directory"` // agents can be listed by the customer's role
	Origin    string `json:"origin"`    // the softphone's origin is approved
	Panel     string `json:"panel"`     // the panel answers
}

// What keeps a thing from being as it should be, besides the faults of a run.
const (
	NoRole         = "no_role"          // the tenant's stack has no role for the instance
	OriginMissing  = "origin_missing"   // the instance lists others
	OriginUnknown  = "origin_unknown"   // there is no origin to look for yet
	PanelElsewhere = "panel_elsewhere"  // on a host that nobody asks
	PanelNoHost    = "panel_no_host"    // there is no such host
	PanelNoAnswer  = "panel_no_answer"  // nobody answered in time
	PanelRefused   = "panel_refused"    // there is no such panel, or it is not for everybody
	PanelAiling    = "panel_in_trouble" // Amazon Connect's own error
)
