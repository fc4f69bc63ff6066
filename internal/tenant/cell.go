package tenant

import (
	"context"
	"fmt"
	"regexp"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
)

// A CellChange is what somebody asks to be different of a cell. What is nil stays.
type CellChange struct {
	MaxTenants *int
	MaxShards  *int
	Draining   *bool
}

// Cells keeps cells. They belong to the operator: whoever may read tenants sees them, with the number of those within reach.
type Cells interface {
	Cells(ctx context.Context, actor access.Actor) ([]Cell, error)
	// Cell returns one by its name; ErrNoSuchCell.
	Cell(ctx context.Context, actor access.Actor, name string) (Cell, error)
	// AddCell takes a checked cell that has been deployed; ErrCellTaken.
	AddCell(ctx context.Context, actor access.Actor, c Cell) (Cell, error)
	// ChangeCell changes a cell, if its version is one of those seen (nil: any); ErrNoSuchCell, ErrCellChanged.
	ChangeCell(ctx context.Context, actor access.Actor, name string, c CellChange, seen []int64) (Cell, error)
}

// MostTenants bounds a cell: one origin access control and one response-headers policy carry 100 sites each (docs/aws.md 5.1).
// MostShards only catches slips of the finger.
const (
	MostTenants = 100
	MostShards  = 200_000
)

// The faults of cells.
var (
	ErrNoSuchCell  = fault.New(fault.NotFound, "cell.not_found", "There is no cell of this name.")
	ErrCellTaken   = fault.New(fault.Conflict, "cell.name_taken", "There is a cell of this name already.")
	ErrCellChanged = fault.New(fault.Precondition, "cell.changed", "The cell has changed since you read it. Read it again, and send its new ETag as If-Match.")

	errCellName     = fault.New(fault.Invalid, "cell.name_invalid", "A name has 2 to 31 lower-case letters, digits or hyphens, and begins with a letter.")
	errCellRegion   = fault.New(fault.Invalid, "cell.region_invalid", "Send an AWS region, such as eu-central-1.")
	errCellStack    = fault.New(fault.Invalid, "cell.stack_invalid", "Send the name of the stack that was made from infra/cell.yaml.")
	errCellRole     = fault.New(fault.Invalid, "cell.role_invalid", "Send the stack's output WorkerRoleArn.")
	errCellCapacity = fault.New(fault.Invalid, "cell.capacity_invalid", "The number is out of range.")
)

var (
	cellForm       = form(`^[a-z][a-z0-9-]{1,30}$`)
	regionForm     = form(`^[a-z]{2}(?:-[a-z]+)+-\d$`)
	stackForm      = form(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)
	workerRoleForm = form(`^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,128}$`)
)

// Check returns a fault that names everything that is wrong with a new cell.
func (c Cell) Check() error {
	w := &wrongs{}
	for _, member := range []struct {
		at, value string
		form      *regexp.Regexp
		wrong     *fault.Fault
	}{
		{"/name", c.Name, cellForm(), errCellName}, {"/region", c.Region, regionForm(), errCellRegion},
		{"/stack_name", c.StackName, stackForm(), errCellStack}, {"/role_arn", c.RoleARN, workerRoleForm(), errCellRole},
	} {
		if !member.form.MatchString(member.value) {
			w.add(member.at, member.wrong)
		}
	}
	checkCapacity(w, c.MaxTenants, c.MaxShards)
	return w.err()
}

func checkCapacity(w *wrongs, tenants, shards int) {
	for _, member := range []struct {
		at          string
		value, most int
	}{{"/max_tenants", tenants, MostTenants}, {"/max_shards", shards, MostShards}} {
		if member.value < 0 || member.value > member.most {
			w.add(member.at, errCellCapacity.With(fmt.Sprintf("Use a number from 0 to %d.", member.most)))
		}
	}
}

// Apply returns c as it is after the change, or a fault that names what is wrong. A cell may be made smaller than it is full.
func (change CellChange) Apply(c Cell) (Cell, error) {
	set(&c.MaxTenants, change.MaxTenants)
	set(&c.MaxShards, change.MaxShards)
	set(&c.Draining, change.Draining)
	w := &wrongs{}
	checkCapacity(w, c.MaxTenants, c.MaxShards)
	return c, w.err()
}

// Admits returns nil when the cell takes one more tenant whose indices may come to so many shards: ErrCellDraining, ErrCellFull.
func (c Cell) Admits(shards int) error {
	switch {
	case c.Draining:
		return ErrCellDraining
	case c.Tenants >= c.MaxTenants, c.MaxShards > 0 && c.Shards+shards > c.MaxShards:
		return ErrCellFull
	}
	return nil
}

// Fullness is how much of the scarcer of its two capacities a cell has given away, from 0 to 1.
func (c Cell) Fullness() float64 {
	full := float64(c.Tenants) / float64(max(1, c.MaxTenants))
	if c.MaxShards > 0 {
		full = max(full, float64(c.Shards)/float64(c.MaxShards))
	}
	return full
}

// Shards is what a tenant's indices may come to when all its kinds of documents come in all the time: one primary shard and one
// replica for each period that retention reaches into. Periods that a kind had before count while their indices may last.
func (s Settings) Shards() int {
	const copies = 2
	days := map[Period]int{Day: 1, Week: 7, Month: 30, Quarter: 90, Year: 365}
	total := 0
	for _, list := range s.IndexPeriod {
		if len(list) == 0 {
			continue
		}
		shortest := 365
		for _, p := range list[max(0, len(list)-2):] {
			if span := days[p.Period]; span > 0 {
				shortest = min(shortest, span)
			}
		}
		total += copies * ((s.RetentionDays+shortest-1)/shortest + 1)
	}
	return total
}
