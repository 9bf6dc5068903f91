package server

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dgram"
	"dgram/dgramtest"
	"dgram/stage"
)

// What the system had queued when the shutdown began is received and answered.
func TestShutdownTakesWhatIsQueued(t *testing.T) {
	for name, cfg := range map[string]Config{"kernel": {}, "portable": {Options: dgram.Options{Portable: true}}, "small batch": {Batch: 1}} {
		t.Run(name, func(t *testing.T) {
			const queued = 300
			entered, release := make(chan struct{}), make(chan struct{})
			var first sync.Once
			cfg.Reply = func(p []byte) []byte {
				first.Do(func() { close(entered); <-release })
				return p
			}
			s := start(t, cfg)
			c := dial(t, s.Endpoint())
			for i := range queued + 1 {
				if _, err := c.Write([]byte{byte(i)}); err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					<-entered // the others wait in the socket's queue
				}
			}
			ended := make(chan struct{})
			go func() { shutdown(t, s); close(ended) }()
			<-s.stopping
			close(release)
			<-ended
			for range queued + 1 {
				if _, err := c.Read(replies[:]); err != nil {
					t.Fatal(err)
				}
			}
			if sum := s.Summary(); sum.Received != queued+1 || sum.Answered != queued+1 {
				t.Error(sum)
			}
		})
	}
}

// Under a load that does not end, a shutdown ends all the same, and every datagram that was received has been answered.
func TestShutdownUnderLoad(t *testing.T) {
	s := start(t, Config{Options: dgram.Options{ReceiveBuffer: 128 << 10}, Drain: patience})
	stop := make(chan struct{})
	var load sync.WaitGroup
	var got atomic.Uint64
	var clients []*net.UDPConn
	for range 4 {
		c := dial(t, s.Endpoint())
		clients = append(clients, c)
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = c.Write([]byte("load"))
				}
			}
		})
		load.Go(func() {
			var p [16]byte
			for {
				if _, err := c.Read(p[:]); err == nil {
					got.Add(1)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for s.Summary().Answered < 1000 {
		time.Sleep(time.Millisecond) // until the load is there
	}
	var shutdowns sync.WaitGroup
	for range 3 { // several at once are one
		shutdowns.Go(func() { shutdown(t, s) })
	}
	shutdowns.Wait()
	if time.Now().After(s.deadline) {
		t.Error("the shutdown took all the time that it may")
	}
	close(stop)
	for _, c := range clients {
		_ = c.SetReadDeadline(time.Now()) // wakes its reader
	}
	load.Wait()
	sum := s.Summary()
	failed := uint64(0)
	for _, n := range sum.Failed { // a send buffer that was full
		failed += n
	}
	if sum.Answered+failed != sum.Received || got.Load() > sum.Answered {
		t.Errorf("%d replies came in; the server says\n%s", got.Load(), sum)
	}
}

// slow is a handler that takes so long.
func slow(d time.Duration) stage.Handler {
	return stage.HandlerFunc(func(ctx context.Context, _ stage.Context, request dgram.Datagram) ([]byte, error) {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return request.Data, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
}

// inMemory runs f with a server and a client on a network in memory, where time is the test's.
func inMemory(t *testing.T, cfg Config, f func(*testing.T, *Server, dgram.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		network := dgramtest.NewNetwork()
		cfg.Address, cfg.Listen = "127.0.0.1:0", network.ListenEndpoint
		s, err := Start(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		c, err := network.Dial(s.Endpoint().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		f(t, s, c)
		<-s.Done()
		if err := s.Summary().Balance(); err != nil {
			t.Error(err)
		}
	})
}

func send(t *testing.T, c dgram.Conn, payloads ...string) {
	t.Helper()
	b := c.NewBatch(len(payloads))
	for _, p := range payloads {
		b.Add(dgram.Endpoint{}, []byte(p))
	}
	if err := c.Send(b); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func TestShutdownWaitsForHandlers(t *testing.T) {
	inMemory(t, Config{Handler: slow(time.Second)}, func(t *testing.T, s *Server, c dgram.Conn) {
		send(t, c, "a", "b")
		if sum := s.Summary(); sum.Pending != 2 || sum.Balance() != nil {
			t.Error(sum)
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if sum := s.Summary(); sum.Answered != 2 || sum.Elapsed < time.Second || sum.Elapsed > 2*time.Second {
			t.Error(sum)
		}
	})
}

func TestShutdownGivesUp(t *testing.T) {
	inMemory(t, Config{Handler: slow(time.Hour), Drain: time.Second, Line: stage.LineOptions{HandlerTimeout: time.Hour}},
		func(t *testing.T, s *Server, c dgram.Conn) {
			send(t, c, "a", "b", "c")
			began := time.Now()
			if err := s.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took < time.Second || took > 3*time.Second {
				t.Error("the shutdown took", took)
			}
			if sum := s.Summary(); sum.Dropped["shutdown"] != 3 {
				t.Error(sum)
			}
		})
}

func TestShutdownIsForcedByItsContext(t *testing.T) {
	inMemory(t, Config{Handler: slow(time.Hour), Drain: time.Hour, Line: stage.LineOptions{HandlerTimeout: time.Hour}},
		func(t *testing.T, s *Server, c dgram.Conn) {
			send(t, c, "a")
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if sum := s.Summary(); sum.Dropped["shutdown"] != 1 {
				t.Error(sum)
			}
		})
}

func TestIdleServer(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, s *Server, c dgram.Conn) {
		send(t, c, "a")
		time.Sleep(time.Hour)
		if sum := s.Summary(); sum.Answered != 1 || sum.ReceiveErrors != 0 {
			t.Error(sum)
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// troubled is a Conn whose receiving fails now and then.
type troubled struct {
	dgram.Conn
	left atomic.Int32 // failures to come
}

var errTrouble = errors.New("no memory")

func (c *troubled) Recv(b *dgram.Batch) error {
	if c.left.Add(-1) >= 0 {
		return errTrouble
	}
	return c.Conn.Recv(b)
}

func TestErrorsOfReceivingDoNotEndIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := dgramtest.NewNetwork()
		var told int
		s, err := Start(context.Background(), Config{
			Address: "127.0.0.1:0",
			Listen: func(e dgram.Endpoint, o dgram.Options) (dgram.Conn, error) {
				c, err := network.ListenEndpoint(e, o)
				bad := &troubled{Conn: c}
				bad.left.Store(15)
				return bad, err
			},
			OnError: func(err error) {
				if !errors.Is(err, errTrouble) {
					t.Error(err)
				}
				told++
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := network.Dial(s.Endpoint().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		send(t, c, "a")
		time.Sleep(20 * time.Second) // 1 ms, doubling up to a second
		if sum := s.Summary(); sum.Answered != 1 || sum.ReceiveErrors != 15 {
			t.Error(sum)
		}
		if err := s.Shutdown(context.Background()); err != nil || told != 15 {
			t.Error(err, told)
		}
	})
}

// A socket that never receives again does not keep a shutdown from ending.
func TestShutdownOfABrokenSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := dgramtest.NewNetwork()
		s, err := Start(context.Background(), Config{
			Address: "127.0.0.1:0",
			Listen: func(e dgram.Endpoint, o dgram.Options) (dgram.Conn, error) {
				c, err := network.ListenEndpoint(e, o)
				bad := &troubled{Conn: c}
				bad.left.Store(1 << 30)
				return bad, err
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestSocketClosedBySomethingElse(t *testing.T) {
	s, err := Start(context.Background(), Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	s.shards[0].conn.Close()
	if err := s.Wait(); !errors.Is(err, errSocketClosed) {
		t.Error(err)
	}
}
