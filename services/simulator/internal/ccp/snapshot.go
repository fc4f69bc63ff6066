package ccp

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
)

// event is what every page of a browser is told.
type event struct {
	Event string `json:"event"`
	Data  any    `json:"data"`
}

// object is JSON whose members are the library's.
type object = map[string]any

// effective is the state that an agent is in, by the contacts that the agent has.
func (c *Centre) effective(a *agent) agentState {
	state := a.chosen
	for _, k := range c.heldBy(a) {
		switch k.state {
		case connected:
			return agentState{"Busy", "system"}
		case connecting:
			state = agentState{"PendingBusy", "system"}
		case missed, rejected:
			state = agentState{"MissedCallAgent", "error"}
		case ended:
			state = agentState{"AfterCallWork", "system"}
		}
	}
	return state
}

// update is the event agent::update. Members whose name ends in "imestamp" are revived as dates by the worker, except
// localTimestamp, which is a number.
func (c *Centre) update(a *agent, signalling string) event {
	now := time.Now()
	contacts := []object{}
	since := a.since
	for _, k := range c.heldBy(a) {
		contacts = append(contacts, c.contactObject(k, signalling))
		since = k.since
	}
	state := c.stateObject(c.effective(a))
	state["startTimestamp"] = since
	return event{"agent::update", object{
		"snapshot": object{
			"state": state, "status": state, "snapshotTimestamp": now, "localTimestamp": now.UnixMilli(), "skew": 0,
			"contacts": contacts,
		},
		"configuration": c.configuration(a),
	}}
}

func (c *Centre) stateObject(s agentState) object {
	return object{"name": s.Name, "type": s.Type, "agentStateARN": c.arn("agent-state", s.Name)}
}

func (c *Centre) contactObject(k *contact, signalling string) object {
	state := object{"type": k.state, "timestamp": k.since}
	agentSide, customerSide := k.state, connected
	switch {
	case k.state == ended, k.state == missed, k.state == rejected:
		agentSide, customerSide = "disconnected", "disconnected"
	case k.onHold:
		customerSide = "hold"
	}
	return object{
		"contactId": k.id, "initialContactId": k.id, "type": "voice", "state": state, "status": state,
		"initiationMethod": "inbound", "queue": c.queue(k.order.Queue), "queueTimestamp": k.placed, "attributes": object{},
		"contactFeatures": object{"attachmentsEnabled": false},
		"connections": []object{
			{
				"connectionId": k.agentConnection(), "type": "agent", "initial": false, "mute": k.muted,
				"state":              object{"type": agentSide, "timestamp": k.since},
				"endpoint":           object{"type": "phone_number", "phoneNumber": "softphone"},
				"softphoneMediaInfo": c.mediaInfo(k, signalling),
			},
			{
				"connectionId": k.customerConnection(), "type": "inbound", "initial": true,
				"state":    object{"type": customerSide, "timestamp": k.since},
				"endpoint": object{"type": "phone_number", "phoneNumber": k.order.CustomerNumber},
			},
		},
	}
}

func (k *contact) agentConnection() string    { return "agent-" + k.id }
func (k *contact) customerConnection() string { return "customer-" + k.id }

func (c *Centre) mediaInfo(k *contact, signalling string) object {
	config, _ := json.Marshal(object{ // strings and a list: cannot fail
		"signalingEndpoint": signalling, "iceServers": c.iceServers(k.agent.username), "protocol": "LilyRTC/1.0/WSS", "useWebSocketProvider": true,
	})
	return object{
		"callType": "audio_only", "autoAccept": k.order.AutoAccept, "callContextToken": k.token, "mediaLegContextToken": "leg",
		"callConfigJson": string(config),
	}
}

func (c *Centre) iceServers(username string) []object {
	return []object{{"urls": []string{c.ice.URL}, "username": username, "credential": c.ice.Password}}
}

func (c *Centre) configuration(a *agent) object {
	states := []object{}
	for _, s := range agentStates {
		states = append(states, c.stateObject(s))
	}
	person := c.person(a.username)
	own := c.arn("queue/agent", a.username)
	return object{
		"name": a.username, "username": a.username, "agentARN": person.ARN, "extension": "",
		"softphoneEnabled": true, "softphoneAutoAccept": false, "softphonePersistentConnection": false,
		"permissions": []string{"outboundCall"}, "agentPreferences": object{}, "dialableCountries": []string{"us"},
		"agentStates": states,
		"routingProfile": object{
			"name": person.Profile, "routingProfileARN": person.ProfileARN, "routingProfileId": person.ProfileARN,
			"channelConcurrencyMap": object{"VOICE": 1}, "defaultOutboundQueue": c.queue("Support"),
			"queues": []object{
				c.queue("Support"), c.queue("Sales"), c.queue("Billing"), {"name": nil, "queueARN": own, "queueId": own},
			},
		},
	}
}

// person is who the directory says that an agent is, or somebody made up.
func (c *Centre) person(username string) Person {
	if found, ok := c.directory(username); ok {
		return found
	}
	const profile = "Retail Voice"
	return Person{c.arn("agent", username), profile, c.arn("routing-profile", profile)}
}

func (c *Centre) queue(name string) object {
	arn := c.arn("queue", name)
	return object{"name": name, "queueARN": arn, "queueId": arn}
}

// arn names something of the instance. Its id is made of what it names, so that it is the same after a restart.
func (c *Centre) arn(kind, name string) string {
	h := sha256.Sum256([]byte(c.instanceARN + "/" + kind + "/" + name))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8 (RFC 9562)
	return fmt.Sprintf("%s/%s/%x-%x-%x-%x-%x", c.instanceARN, kind, h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// tellUpdate tells an agent's browsers how things are.
func (c *Centre) tellUpdate(a *agent) {
	for b := range a.browsers {
		b.tell(c.update(a, b.signalling))
	}
}

func (a *agent) tell(e event) {
	for b := range a.browsers {
		b.tell(e)
	}
}
