//go:build !linux

package confine

import (
	"errors"
	"fmt"
)

// Apply confines nothing here, and says so.
func Apply(p Plan) (Report, error) {
	if p.User != nil {
		return Report{}, fmt.Errorf("become user %s: only Linux is known to drop every right: %w", p.User.Name, errors.ErrUnsupported)
	}
	return Report{Missing: []string{"this system has neither landlock nor seccomp"}}, nil
}
