package pair

// Flows is how many flows there have been so far. It costs nothing.
func (t *Tracker) Flows() uint64 { return t.counts.flows }
