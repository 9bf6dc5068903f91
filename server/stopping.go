package server

// Stopping is closed when the server takes no more datagrams than have arrived: it was shut down, its Count is reached, or another server
// has taken its sockets.
func (s *Server) Stopping() <-chan struct{} { return s.stopping }
