package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/pflag"

	"dgram"
	"dgram/internal/systemd"
	"dgram/server"
)

// handoverFlags say where sockets come from that are open already, and where they go.
type handoverFlags struct {
	takeover string
	given    []systemd.Socket
}

func (f *handoverFlags) define(fs *pflag.FlagSet) {
	fs.StringVar(&f.takeover, "takeover", "", "take the sockets of the server that was started with the same `PATH`, which then ends, and hand them to the next one: nothing is lost (docs/upgrade.md)")
}

// apply adds the sockets that the process was started with.
func (f *handoverFlags) apply(cfg *server.Config, addresses []string) (err error) {
	if f.given, err = systemd.Sockets(); err != nil {
		return err
	}
	cfg.Takeover = f.takeover
	if len(f.given) == 0 {
		return nil
	}
	if f.takeover != "" {
		return errors.New("the sockets come from the service manager (LISTEN_FDS), which keeps them when the server is started again: leave --takeover out")
	}
	for _, s := range f.given {
		cfg.Inherited = append(cfg.Inherited, s.FD)
	}
	cfg.Addresses = addresses
	return nil
}

// explain names the socket that could not be served as the service manager does.
func (f *handoverFlags) explain(err error) error {
	var op *dgram.OpError
	if len(f.given) == 0 || !errors.As(err, &op) || op.Op != "take over" {
		return err
	}
	for _, s := range f.given {
		if op.Endpoint == fmt.Sprintf("descriptor %d", s.FD) {
			return fmt.Errorf("LISTEN_FDS: descriptor %d (%q) cannot be served: %w", s.FD, s.Name, op.Err)
		}
	}
	return err
}

// folder is where the path of --takeover is removed at the end, "" if there is none.
func (f *handoverFlags) folder() string {
	if f.takeover == "" {
		return ""
	}
	return filepath.Dir(f.takeover)
}

// begun tells the service manager, and returns what a person should know.
func (f *handoverFlags) begun(srv *server.Server) (notes []string) {
	states := []string{systemd.Ready}
	if pid := srv.Predecessor(); pid != 0 {
		notes = append(notes, fmt.Sprintf("took over from process %d", pid))
		states = append(states, "MAINPID="+strconv.Itoa(os.Getpid()))
	}
	if err := systemd.Notify(states...); err != nil {
		notes = append(notes, err.Error())
	}
	return notes
}

// ending waits until the server stops, and tells why. When another one has taken over, give gives up what both want. What is returned is closed
// when all is told.
func (f *handoverFlags) ending(srv *server.Server, note func(string), give func()) <-chan struct{} {
	told := make(chan struct{})
	go func() {
		defer close(told)
		<-srv.Stopping()
		if srv.HandedOver() {
			give()
			note(fmt.Sprintf("process %d has taken over: this one answers what it has received, and ends", srv.Successor()))
			return // the service goes on
		}
		if err := systemd.Notify(systemd.Stopping); err != nil {
			note(err.Error())
		}
	}()
	return told
}
