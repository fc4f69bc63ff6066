package process

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// helper makes this test binary play a part, which listens on the addresses that follow.
const helper = "play-a-part"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == helper {
		os.Exit(play(os.Args[2:]))
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/earshot-hq/earshot/services/localstack/internal/process.spawn.func1.1"))
}

func play(addresses []string) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	for _, address := range addresses {
		version := "4"
		if strings.HasPrefix(address, "[") {
			version = "6"
		}
		if _, err := net.Listen("tcp"+version, address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if _, err := net.ListenPacket("udp"+version, address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	fmt.Println("ready")
	<-stop
	return 0
}
