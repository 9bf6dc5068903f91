package bench

import (
	"context"
	"errors"
)

// Run offers the load that c describes and returns what came of it. When ctx ends it stops sending, waits for what is outstanding (two
// seconds at most), and returns a Result all the same. The error says why the run could not be begun; a server that does not answer, or refuses,
// or dies, is a Result.
func Run(ctx context.Context, c Config) (*Result, error) {
	return nil, errors.New("not yet")
}
