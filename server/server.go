package server

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dgram"
	"dgram/ledger"
)

// Server is a running server. Its methods may be called from any goroutine, at any time.
type Server struct {
	cfg      Config
	shards   []*shard
	sequence atomic.Uint64 // datagrams of all shards that asked for their number
	taken    atomic.Uint64 // datagrams received, for Config.Count

	takeover *takeover // nil: none was asked for
	left     bool      // another server has the sockets; set before stopping is closed

	nudging  sync.Mutex // held while Turning wakes the shards, and while stopping is closed
	stopOnce sync.Once
	stopping chan struct{}
	deadline time.Time // by which the shutdown is over; set before stopping is closed
	forced   context.Context
	force    context.CancelFunc
	done     chan struct{}
	err      error // set before done is closed
}

// Start opens every socket that cfg asks for and serves until Shutdown, the end of ctx (which drains too), or cfg.Count. When one address
// cannot be listened on, nothing is left open, and the error, often a *ListenError, names it and says what to do.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	takeover, err := cfg.takeover()
	if err != nil {
		return nil, err
	}
	sockets, err := open(ctx, cfg, takeover)
	if err != nil {
		takeover.discard()
		return nil, err
	}
	s := &Server{cfg: cfg, takeover: takeover, stopping: make(chan struct{}), done: make(chan struct{})}
	s.forced, s.force = context.WithCancel(context.Background())
	s.cfg.guard(sockets)
	for _, one := range sockets {
		s.shards = append(s.shards, newShard(s, one))
	}
	if err := takeover.take(); err != nil {
		giveUp(sockets)
		takeover.discard()
		return nil, err
	}
	takeover.open(s)
	if err := cfg.Opened(s); err != nil {
		s.abandon()
		return nil, err
	}
	unhook := context.AfterFunc(ctx, s.stop)
	go s.run(unhook)
	return s, nil
}

// abandon ends a server that has received nothing.
func (s *Server) abandon() {
	s.stop()
	s.force()
	s.takeover.close()
	for _, sh := range s.shards {
		sh.close(s.forced)
	}
	close(s.done)
}

// Endpoints returns where the server listens, each address once, with the ports that the system chose.
func (s *Server) Endpoints() []dgram.Endpoint {
	var all []dgram.Endpoint
	for _, sh := range s.shards {
		if e := sh.conn.Local(); !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	return all
}

// Endpoint returns the first of Endpoints.
func (s *Server) Endpoint() dgram.Endpoint { return s.shards[0].conn.Local() }

// Caps returns what the sockets can do and see, one for each of Endpoints.
func (s *Server) Caps() []dgram.Caps {
	var all []dgram.Caps
	var seen []dgram.Endpoint
	for _, sh := range s.shards {
		if e := sh.conn.Local(); !slices.Contains(seen, e) {
			seen, all = append(seen, e), append(all, sh.conn.Caps())
		}
	}
	return all
}

// Summary returns the account of all sockets together. It is final when Done is closed.
func (s *Server) Summary() ledger.Summary {
	var total ledger.Summary
	for _, one := range s.Sockets() {
		total.Add(one)
	}
	return total
}

// Sockets returns the account of each socket: those of the first address first.
func (s *Server) Sockets() []ledger.Summary {
	all := make([]ledger.Summary, len(s.shards))
	for i, sh := range s.shards {
		all[i] = sh.summary()
		all[i].Local = sh.conn.Local().String()
	}
	return all
}

// Shutdown drains the server and waits until it has ended. When ctx ends first, the server is closed at once, what it held is Dropped for
// ReasonShutdown, and the error is ctx's.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		s.force()
		<-s.done
		return ctx.Err()
	}
}

// Done is closed when the server has ended: every datagram has its fate, every socket is closed.
func (s *Server) Done() <-chan struct{} { return s.done }

// Wait waits for Done. The error is nil after a shutdown, also one that had to drop what it held: the Summary tells.
func (s *Server) Wait() error {
	<-s.done
	return s.err
}

// stop begins the drain: it wakes every shard.
func (s *Server) stop() {
	s.stopOnce.Do(func() {
		s.left = s.takeover.shut()
		s.deadline = time.Now().Add(s.cfg.Drain)
		s.nudging.Lock()
		close(s.stopping)
		s.nudging.Unlock()
		for _, sh := range s.shards {
			_ = sh.conn.SetReadDeadline(time.Now()) // fails only if it is closed: then it needs no waking
		}
	})
}

func (s *Server) stopped() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// errSocketClosed is the end that nobody asked for.
var errSocketClosed = errors.New("a socket of the server was closed by something else")

// run is the server's life: receive, drain, close.
func (s *Server) run(unhook func() bool) {
	var receiving sync.WaitGroup
	for _, sh := range s.shards {
		receiving.Go(sh.receive)
	}
	receiving.Wait()
	unhook()
	if !s.stopped() {
		s.err = errSocketClosed
		s.stop()
	}
	s.takeover.close()
	ctx, cancel := context.WithDeadline(s.forced, s.deadline)
	var closing sync.WaitGroup
	for _, sh := range s.shards {
		closing.Go(func() { sh.close(ctx) })
	}
	closing.Wait()
	cancel()
	s.force()
	close(s.done)
}
