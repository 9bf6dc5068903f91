package bench

import "dgram/sock"

// queueDrops is what the queue of a device has dropped on the way out.
func queueDrops(device int) (uint64, error) { return sock.QueueDrops(device) }
