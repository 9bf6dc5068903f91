//go:build !linux

package bench

// openFleet has nothing to offer here: each flow is a Conn.
func openFleet(*Config, *plan, int) (port, error) { return nil, nil }
