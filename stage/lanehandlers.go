package stage

import (
	"context"
	"errors"
	"fmt"

	"dgram"
)

// work is a worker: it runs handlers until the lane is shut.
func (a *lane) work() {
	for {
		select {
		case <-a.base.Done():
			return
		case h := <-a.jobs:
			a.queued.Add(-1)
			a.handle(h)
		}
	}
}

// handle runs one handler. If that outlasts its time, h is settled without it; the worker waits for it all the same, so that there are never
// more handlers than workers.
func (a *lane) handle(h *held) {
	if a.base.Err() != nil {
		h.eff.Drop = dgram.ReasonShutdown
		a.deliver(h)
		return
	}
	// From AfterFunc on, h may at any time be the lane's again.
	step, c, request := &a.plan.steps[h.step], h.ctx, h.datagram
	ctx, cancel := context.WithTimeout(a.base, a.options.HandlerTimeout)
	defer cancel()
	keep := context.AfterFunc(ctx, func() {
		h.eff.Drop = a.overstayed()
		a.deliver(h)
	})
	reply, err := call(ctx, step.Handler, c, request)
	inTime := keep()
	if err != nil && !errors.Is(err, ErrIgnore) {
		a.options.OnHandlerError(fmt.Errorf("%s: %w", step.Name, err))
	}
	if !inTime {
		return
	}
	switch {
	case errors.Is(err, ErrIgnore):
		h.eff.Ignore = true
	case errors.Is(err, ErrTooBig) || err == nil && len(reply) > dgram.MaxPayload:
		h.eff.Drop = dgram.ReasonTooBig
	case err != nil && ctx.Err() != nil: // it saw the end before the function above began
		h.eff.Drop = a.overstayed()
	case err != nil:
		h.eff.Drop = dgram.ReasonHandler
	default:
		h.datagram.Data = reply
	}
	a.deliver(h)
}

// overstayed is why a handler whose context has ended is not waited for.
func (a *lane) overstayed() dgram.Reason {
	if a.base.Err() != nil {
		return dgram.ReasonShutdown
	}
	return dgram.ReasonTimeout
}

// call makes an error of a panic: no datagram may end the server.
func call(ctx context.Context, handler Handler, c Context, request dgram.Datagram) (reply []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler panicked: %v", p)
		}
	}()
	return handler.Handle(ctx, c, request)
}
