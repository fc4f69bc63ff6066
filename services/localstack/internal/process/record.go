package process

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A Record identifies a process beyond its number, which the system uses again.
type Record struct {
	PID     int    `json:"pid"`
	Started string `json:"started"` // in clock ticks after boot
	Boot    string `json:"boot"`    // the system's id of this boot
}

// RecordOf describes a process that runs now.
func RecordOf(pid int) (Record, error) {
	started, err := startOf(pid)
	if err != nil {
		return Record{}, err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Record{}, err
	}
	return Record{PID: pid, Started: started, Boot: strings.TrimSpace(string(boot))}, nil
}

// Alive reports whether the very process of the record still runs; a dead one that nobody has waited for does not.
func (r Record) Alive() bool {
	now, err := RecordOf(r.PID)
	return err == nil && now == r
}

// startOf says when a process that is no zombie was started.
func startOf(pid int) (string, error) {
	fields, err := statOf(pid)
	if err != nil {
		return "", err
	}
	if state := fields[statState]; state == "Z" || state == "X" {
		return "", os.ErrNotExist
	}
	return fields[statStart], nil
}

// Fields 3, 4, 5 and 22 of /proc/<pid>/stat (proc(5)), counted after the name, which may hold spaces and brackets.
const statState, statParent, statGroup, statStart = 0, 1, 2, 19

func statOf(pid int) ([]string, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
	if len(fields) <= statStart {
		return nil, os.ErrNotExist
	}
	return fields, nil
}

// A child is a process as its parent sees it.
type child struct{ pid, group int }

func childrenOf(parent int) []child {
	var found []child
	for _, pid := range allPIDs() {
		fields, err := statOf(pid)
		if err != nil || fields[statParent] != strconv.Itoa(parent) {
			continue // gone, or another's
		}
		if group, err := strconv.Atoi(fields[statGroup]); err == nil {
			found = append(found, child{pid: pid, group: group})
		}
	}
	return found
}

func allPIDs() []int {
	folders, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, folder := range folders {
		if pid, err := strconv.Atoi(folder.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// records are the files in which a launcher notes its parts, for one that comes after it.
type records struct{ dir string }

func (r records) write(part string, pid int) error {
	record, err := RecordOf(pid)
	if err != nil {
		return err
	}
	content, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return os.WriteFile(r.file(part), content, 0o644)
}

func (r records) remove(part string) { _ = os.Remove(r.file(part)) } // a stale record names nobody who is alive

// clear forgets all; nothing of them runs any more.
func (r records) clear() {
	files, _ := filepath.Glob(r.file("*")) // the pattern is constant
	for _, file := range files {
		_ = os.Remove(file) // a stale record names nobody who is alive
	}
}

func (r records) file(part string) string { return filepath.Join(r.dir, part+".json") }

// alive returns the parts of an earlier launcher that still run. A record that cannot be read names nobody.
func (r records) alive() []Record {
	files, err := filepath.Glob(r.file("*"))
	if err != nil {
		return nil // the pattern is constant
	}
	var found []Record
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var record Record
		if json.Unmarshal(content, &record) == nil && record.PID > 1 && record.Alive() {
			found = append(found, record)
		}
	}
	return found
}

// marked returns the processes whose environment holds the entry, which children inherit, this process left out.
func marked(entry string) []Record {
	var found []Record
	for _, pid := range allPIDs() {
		if pid == os.Getpid() || !hasEntry(pid, entry) {
			continue
		}
		if record, err := RecordOf(pid); err == nil {
			found = append(found, record)
		}
	}
	return found
}

func hasEntry(pid int, entry string) bool {
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return false // gone, or another user's
	}
	for variable := range bytes.SplitSeq(environment, []byte{0}) {
		if string(variable) == entry {
			return true
		}
	}
	return false
}

// isGone tells that a process ended while its files were read.
func isGone(err error) bool {
	return errors.Is(err, syscall.ESRCH) || errors.Is(err, os.ErrNotExist)
}
