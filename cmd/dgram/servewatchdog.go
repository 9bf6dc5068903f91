package main

import (
	"context"
	"time"

	"dgram/internal/systemd"
	"dgram/server"
)

// keepAlive tells the service manager's watchdog, if there is one, that the server lives: twice in its time, and only when every receiving
// loop has taken a turn meanwhile. It returns when the server stops.
func keepAlive(srv *server.Server, note func(string)) {
	patience, err := systemd.Watchdog()
	if err != nil {
		note(err.Error())
	}
	if patience == 0 {
		return
	}
	beat := time.NewTicker(patience / 2)
	defer beat.Stop()
	for {
		if turns(srv, patience/4) {
			if err := systemd.Notify(systemd.Alive); err != nil {
				note(err.Error())
			}
		}
		select {
		case <-beat.C:
		case <-srv.Stopping():
			return
		}
	}
}

func turns(srv *server.Server, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return srv.Turning(ctx)
}
