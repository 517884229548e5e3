// Holds a pod's namespaces: does nothing, ends when told to, reaps orphans.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	// A process that ignores its children's end leaves no zombies.
	signal.Ignore(syscall.SIGCHLD)
	<-stop
}
