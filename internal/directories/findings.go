package directories

import (
	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// A finding is a code of the function's in words.
type finding struct {
	state          tenant.SetupState
	detail, advice string
}

func (f finding) of(item string) tenant.SetupItem {
	return tenant.SetupItem{Item: item, State: f.state, Detail: f.detail, Advice: f.advice}
}

const again = "Check again in a minute."

// newer is of a code that this version does not know.
var newer = finding{tenant.SetupUnknown, "The tenant's function says something that this service does not know.", "Upgrade the service, or ask its operator."}

const deploy = "Have the stack of the link deployed in the account and region of the Connect instance, and enter its output DirectoryRoleArn as the directory role."

func directoryFinding(code string) finding {
	switch code {
	case "":
		return finding{tenant.SetupDone, "The role can be assumed with the tenant's external id, and lists agents.", ""}
	case agents.ErrEmpty.Code:
		return finding{tenant.SetupDone, "The role can be assumed with the tenant's external id. The instance has no agents yet.", ""}
	case agents.NoRole:
		return finding{tenant.SetupNotDone, "The Connect instance has no directory role here.", deploy}
	case agents.ErrRoleRefused.Code:
		return finding{
			tenant.SetupNotDone, "The role could not be assumed: it is not there, or trusts somebody else, or asks for another external id.",
			"Compare the role's ARN, and deploy the stack of the link again with the values that it has.",
		}
	case agents.ErrAccessDenied.Code:
		return finding{tenant.SetupNotDone, "The role may not list the agents of this Connect instance.", "Update the customer's stack from the present template."}
	case agents.ErrInstanceUnknown.Code:
		return finding{tenant.SetupNotDone, "The role's account has no Connect instance of this ARN in this region.", "Compare the ARN with that of the instance."}
	}
	return troubled(code)
}

func originFinding(code, origin string) finding {
	switch code {
	case "":
		return finding{tenant.SetupDone, "The instance approves " + origin + ".", ""}
	case agents.OriginMissing:
		return finding{
			tenant.SetupNotDone, "The instance does not approve " + origin + ": its panel would stay empty there.",
			"In the Amazon Connect console add " + origin + " to the instance's approved origins, or deploy the stack of the link, which does so.",
		}
	case agents.OriginUnknown:
		return finding{tenant.SetupUnknown, "The softphone has no address yet.", "Check again when the tenant is active."}
	case agents.NoRole, agents.ErrRoleRefused.Code, agents.ErrInstanceUnknown.Code:
		return finding{tenant.SetupUnknown, "The directory role is what looks, and does not work yet.", "See to the directory role first."}
	case agents.ErrAccessDenied.Code:
		return finding{
			tenant.SetupUnknown, "The directory role may not list approved origins: its stack is from an earlier template.",
			"Update the customer's stack from the present template, or look in the Amazon Connect console whether " + origin + " is an approved origin.",
		}
	}
	return troubled(code)
}

func panelFinding(code string) finding {
	switch code {
	case "":
		return finding{tenant.SetupDone, "The Contact Control Panel answers.", ""}
	case agents.PanelNoHost:
		return finding{tenant.SetupNotDone, "There is no host of this name.", "Compare the alias in the address with the access URL in the Amazon Connect console."}
	case agents.PanelRefused:
		return finding{tenant.SetupNotDone, "The host answers that there is no such panel.", "Compare the address with the access URL in the Amazon Connect console."}
	case agents.PanelElsewhere:
		return finding{tenant.SetupUnknown, "The panel is on a host of the customer's own; only Amazon Connect's are asked.", "Open the address in a browser."}
	case agents.PanelNoAnswer:
		return finding{tenant.SetupUnknown, "The host gave no answer in time.", again}
	case agents.PanelAiling:
		return finding{tenant.SetupUnknown, "The panel answered with an error of its own.", again}
	}
	return newer
}

// troubled is of what nobody did wrong.
func troubled(code string) finding {
	for _, known := range []*fault.Fault{agents.ErrThrottled, agents.ErrOutOfTime, agents.ErrUnavailable} {
		if known.Code == code {
			return finding{tenant.SetupUnknown, "Amazon Connect could not be asked (" + code + ").", again}
		}
	}
	return newer
}
