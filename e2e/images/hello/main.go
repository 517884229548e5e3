// The tenant's program: says one line, answers HTTP on 8080, ends when told to.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	host, _ := os.Hostname()
	line := fmt.Sprintf("hello from %s\n", host)
	fmt.Print(line)
	if len(os.Args) > 2 && os.Args[1] == "write" {
		if err := os.WriteFile(os.Args[2], []byte(line), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("wrote", os.Args[2])
	}
	if len(os.Args) > 2 && os.Args[1] == "get" {
		response, err := http.Get(os.Args[2])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("got", response.Status)
		os.Exit(0)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		answer := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, line) }
		fmt.Fprintln(os.Stderr, http.ListenAndServe(":8080", http.HandlerFunc(answer)))
	}()
	<-stop
}
