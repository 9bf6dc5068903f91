package web

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Server answers HTTP requests.
type Server struct {
	http *http.Server
	done chan struct{}
}

// Serve answers requests at l, on goroutines of its own, until Close. Nobody can hold it up: how long a request takes to arrive, how large
// its header is, and how long its answer takes to be fetched are bounded.
func Serve(l net.Listener, rs *Routes) *Server {
	s := &Server{done: make(chan struct{}), http: &http.Server{
		Handler:                      rs,
		DisableGeneralOptionsHandler: true, // OPTIONS * is for the guard too
		ReadHeaderTimeout:            5 * time.Second,
		ReadTimeout:                  10 * time.Second,
		WriteTimeout:                 30 * time.Second,
		IdleTimeout:                  time.Minute,
		MaxHeaderBytes:               8 << 10,
		ErrorLog:                     log.New(io.Discard, "", 0), // it would quote what clients send
	}}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // ends with Close
	}()
	return s
}

// Close stops listening, gives answers that are on their way a moment, and ends.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-s.done
	return err
}
