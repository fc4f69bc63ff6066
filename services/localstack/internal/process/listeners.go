package process

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A Listener is a socket that takes connections or datagrams from whoever reaches its address.
type Listener struct {
	PID     int
	Network string // tcp, tcp6, udp, udp6
	Address netip.AddrPort
}

// Listeners returns the sockets on which the processes that were started from a state listen, their children included.
func Listeners(state string) ([]Listener, error) {
	var found []Listener
	for _, record := range marked(marker + "=" + state) {
		of, err := listenersOf(record.PID)
		if err != nil && record.Alive() {
			return nil, err
		}
		found = append(found, of...)
	}
	return found, nil
}

func listenersOf(pid int) ([]Listener, error) {
	inodes, err := socketsOf(pid)
	if err != nil {
		return nil, err
	}
	var found []Listener
	for _, network := range []string{"tcp", "tcp6", "udp", "udp6"} {
		table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, network))
		if err != nil {
			return nil, err
		}
		for row := range strings.Lines(string(table)) {
			if listener, ok := parseSocket(row, network, inodes); ok {
				listener.PID = pid
				found = append(found, listener)
			}
		}
	}
	return found, nil
}

// parseSocket reads a row of /proc/net/tcp and its like: number, local address, remote address, state, …, inode as the tenth.
func parseSocket(row, network string, inodes map[string]bool) (Listener, bool) {
	const local, remote, state, inode = 1, 2, 3, 9
	const tcpListens, udpUnconnected = "0A", "07"
	fields := strings.Fields(row)
	if len(fields) <= inode || !inodes[fields[inode]] {
		return Listener{}, false
	}
	isTCP := strings.HasPrefix(network, "tcp")
	if isTCP && fields[state] != tcpListens || !isTCP && (fields[state] != udpUnconnected || !strings.HasSuffix(fields[remote], ":0000")) {
		return Listener{}, false
	}
	address, err := parseAddress(fields[local])
	return Listener{Network: network, Address: address}, err == nil
}

// parseAddress reads hex words in the machine's byte order, which is little-endian on all that Earshot runs on, and a port.
func parseAddress(text string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for word := 0; word+4 <= len(raw); word += 4 {
		binary.BigEndian.PutUint32(raw[word:], binary.LittleEndian.Uint32(raw[word:]))
	}
	address, ok := netip.AddrFromSlice(raw)
	number, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", text)
	}
	return netip.AddrPortFrom(address.Unmap(), uint16(number)), nil
}

func socketsOf(pid int) (map[string]bool, error) {
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	inodes := map[string]bool{}
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join(folder, entry.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		if inode, isSocket := bytes.CutPrefix([]byte(target), []byte("socket:[")); isSocket {
			inodes[string(bytes.TrimSuffix(inode, []byte("]")))] = true
		}
	}
	return inodes, nil
}
