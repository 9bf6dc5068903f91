//go:build !unix

package bench

// descriptors is not known here.
func descriptors() (int, bool) { return 0, false }

// ports is not known here.
func ports() (first, last int, ok bool) { return 0, 0, false }

// processorTime is not known here.
func processorTime() (user, system int64) { return 0, 0 }
