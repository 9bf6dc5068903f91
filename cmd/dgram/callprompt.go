package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"dgram/internal/prompt"
	"dgram/internal/terminal"
)

// promptWindow is how many lines may wait for their answers at a prompt: nobody types more in the time that one takes.
const promptWindow = 1024

// converse lets a person type lines, and shows the answers above the line being typed as they come.
func (c *call) converse(ctx context.Context) error {
	colours := terminal.Colours(c.stdout)
	p, err := prompt.Open(c.keyboard, c.screen, prompt.Options{Text: colours.Cyan("> "), History: prompt.HistoryFile(),
		Hint: "Ctrl-C again leaves, and so does Ctrl-D"})
	if err != nil {
		return err
	}
	defer p.Close()
	c.stdout = terminal.NewWriter(p, nil)
	if c.talkative {
		c.stderr = c.stdout
		c.talk.move(c.stderr)
	}
	defer context.AfterFunc(ctx, func() { p.Close() })()
	c.say("calling %s: each line is a datagram; Ctrl-D leaves", place(c.client.Peer()))
	var waiting sync.WaitGroup
	var count atomic.Int64
	for {
		line, err := p.Line()
		if errors.Is(err, prompt.ErrInterrupt) {
			c.interrupt()
		}
		if err != nil {
			break
		}
		a := c.start(ctx, c.decode([]byte(line)))
		count.Add(1)
		waiting.Go(func() { c.await(a); count.Add(-1) })
	}
	p.Close()
	if count.Load() > 0 && ctx.Err() == nil {
		c.say("waiting for the last answers: Ctrl-C leaves at once")
	}
	waiting.Wait()
	return nil
}
