//go:build !linux

package sock

import (
	"errors"
	"testing"
)

func TestUnsupported(t *testing.T) {
	_, opened := New(INET, DGRAM, 0)
	_, taken := FromFD(0)
	for _, err := range []error{opened, taken} {
		var e *Error
		if !errors.Is(err, errors.ErrUnsupported) || !errors.As(err, &e) {
			t.Errorf("%v does not wrap errors.ErrUnsupported", err)
		}
	}
}
