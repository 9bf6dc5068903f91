package systemd

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// Watchdog returns how long the service manager waits for the state Alive before it takes this process for dead; 0: it does not
// (sd_watchdog_enabled(3)). It is to be told twice as often.
func Watchdog() (time.Duration, error) {
	micros, pid := os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID")
	if micros == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0, nil
	}
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil || n <= 0 || n > int64((1<<63-1)/time.Microsecond) {
		return 0, fmt.Errorf("WATCHDOG_USEC=%q is no number of microseconds", micros)
	}
	return time.Duration(n) * time.Microsecond, nil
}
