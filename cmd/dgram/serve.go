package main

import (
	"context"
	"errors"
)

var serveVerb = verb{
	use:   "serve [ADDRESS...]",
	short: "answer datagrams",
	setup: func(*command) runner {
		return func(context.Context, []string) error { return errors.New("serve is being made") }
	},
}
