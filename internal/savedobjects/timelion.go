package savedobjects

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// timelionSources are the functions of Timelion that ask search.
var timelionSources = []string{"es", "elasticsearch", "opensearch"}

// timelionArguments are theirs, in the order in which they may be given without names.
var timelionArguments = []string{"q", "metric", "split", "index", "timefield"}

// An argument is one value within an expression.
type argument struct {
	name     string
	from, to int  // of the value in the expression, without its quotes
	isCall   bool // the value is an expression itself
}

type timelionCall struct {
	name      string
	arguments []argument
	at        int
}

// timelion visits what an expression asks search for.
func (w *walker) timelion(params map[string]any) {
	text, _ := params["expression"].(string)
	calls, err := timelionCalls(text)
	if err != nil {
		w.fault("its Timelion expression: %w", err)
		return
	}
	type change struct {
		argument
		text string
	}
	var changes []change
	for _, call := range calls {
		values := map[string][]argument{}
		for _, a := range call.arguments {
			values[a.name] = append(values[a.name], a)
		}
		indices := values["index"]
		if len(indices) == 0 {
			w.fault("its Timelion expression asks all indices, at character %d: it names no index=", call.at+1)
			continue
		}
		of := Source{Index: text[indices[0].from:indices[0].to]}
		for name, list := range values {
			for _, a := range list {
				before := text[a.from:a.to]
				if a.isCall {
					w.fault("its Timelion expression computes %s, at character %d", name, a.from+1)
				} else if after := w.timelionValue(name, before, of); after != before {
					changes = append(changes, change{a, after})
				}
			}
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return b.from - a.from })
	after := text
	for _, c := range changes {
		after = after[:c.from] + c.text + after[c.to:]
	}
	w.set(params, "expression", text, after)
}

// timelionValue returns what becomes of the value of an argument.
func (w *walker) timelionValue(name, value string, of Source) string {
	switch name {
	case "index":
		return w.renamed(value)
	case "timefield":
		return w.places.Field(of, value)
	case "q":
		return w.queried(value, of)
	case "metric": // avg:field, percentiles:field:1,2
		kind, rest, hasField := strings.Cut(value, ":")
		if !hasField {
			return value
		}
		field, more, hasMore := strings.Cut(rest, ":")
		renamed := kind + ":" + w.places.Field(of, field)
		if hasMore {
			renamed += ":" + more
		}
		return renamed
	case "split": // field:10
		at := strings.LastIndexByte(value, ':')
		if at < 0 {
			return value
		}
		return w.places.Field(of, value[:at]) + value[at:]
	}
	return value
}

var errUnended = errors.New("it ends within quotes or brackets")

// timelionCalls finds the calls in an expression that ask search. It knows of Timelion's language what says where an argument
// begins and ends.
func timelionCalls(text string) ([]timelionCall, error) {
	p := timelionParser{text: text}
	for p.at < len(text) {
		switch text[p.at] {
		case '"', '\'':
			if _, err := p.quoted(); err != nil {
				return nil, err
			}
		case '.':
			if err := p.call(); err != nil {
				return nil, err
			}
		default:
			p.at++
		}
	}
	return p.calls, nil
}

type timelionParser struct {
	text  string
	at    int
	depth int
	calls []timelionCall
}

const blanks = " \t\r\n"

func (p *timelionParser) skip() {
	for p.at < len(p.text) && strings.IndexByte(blanks, p.text[p.at]) >= 0 {
		p.at++
	}
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func (p *timelionParser) name() string {
	from := p.at
	for p.at < len(p.text) && isNameByte(p.text[p.at]) {
		p.at++
	}
	return p.text[from:p.at]
}

// quoted passes a text in quotes, at whose first it stands, and returns where it ends.
func (p *timelionParser) quoted() (int, error) {
	quote := p.text[p.at]
	for p.at++; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case '\\':
			p.at++
		case quote:
			p.at++
			return p.at - 1, nil
		}
	}
	return 0, errUnended
}

const mostDepth = 50

// call passes a call, at whose dot it stands. A dot that begins none is passed alone.
func (p *timelionParser) call() error {
	call := timelionCall{at: p.at}
	p.at++
	back := p.at
	p.skip()
	call.name = strings.ToLower(p.name())
	p.skip()
	if call.name == "" || p.at >= len(p.text) || p.text[p.at] != '(' {
		p.at = back
		return nil
	}
	if p.depth++; p.depth > mostDepth {
		return fmt.Errorf("it is nested deeper than %d", mostDepth)
	}
	defer func() { p.depth-- }()
	p.at++
	for position := 0; ; position++ {
		p.skip()
		if p.at >= len(p.text) {
			return errUnended
		}
		if p.text[p.at] == ')' {
			break
		}
		a, err := p.argument(position)
		if err != nil {
			return err
		}
		call.arguments = append(call.arguments, a)
		if p.skip(); p.at < len(p.text) && p.text[p.at] == ',' {
			p.at++
		}
	}
	p.at++
	if slices.Contains(timelionSources, call.name) {
		p.calls = append(p.calls, call)
	}
	return nil
}

// argument passes one, named or not, up to its comma or the closing bracket.
func (p *timelionParser) argument(position int) (argument, error) {
	a := argument{}
	if position < len(timelionArguments) {
		a.name = timelionArguments[position]
	}
	begin := p.at
	if name := p.name(); name != "" {
		p.skip()
		if p.at < len(p.text) && p.text[p.at] == '=' {
			p.at++
			a.name = strings.ToLower(name)
			p.skip()
			begin = p.at
		}
	}
	p.at = begin
	if p.at < len(p.text) && (p.text[p.at] == '"' || p.text[p.at] == '\'') {
		a.from = p.at + 1
		end, err := p.quoted()
		a.to = end
		return a, err
	}
	a.from = p.at
	open := 0
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"' || c == '\'':
			if _, err := p.quoted(); err != nil {
				return a, err
			}
		case c == '.' && (p.at == a.from || open > 0 || p.text[p.at-1] == ')'):
			a.isCall = true
			if err := p.call(); err != nil {
				return a, err
			}
		case c == '(':
			open, a.isCall = open+1, true
			p.at++
		case c == ')' && open == 0, c == ',' && open == 0:
			a.to = a.from + len(strings.TrimRight(p.text[a.from:p.at], blanks))
			return a, nil
		case c == ')':
			open--
			p.at++
		default:
			p.at++
		}
	}
	return a, errUnended
}
