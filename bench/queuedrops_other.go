//go:build !linux

package bench

import "errors"

// queueDrops is not known here.
func queueDrops(int) (uint64, error) { return 0, errors.ErrUnsupported }
