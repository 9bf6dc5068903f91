package systemd

import (
	"os"
	"strconv"
	"testing"
	"time"
)

func TestWatchdog(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		micros, pid string
		want        time.Duration
		bad         bool
	}{
		{"", "", 0, false}, {"", own, 0, false}, {"30000000", own, 30 * time.Second, false}, {"1", "", time.Microsecond, false},
		{"30000000", "1", 0, false}, {"soon", own, 0, true}, {"0", own, 0, true}, {"-5", own, 0, true}, {"9223372036854775807", own, 0, true},
	} {
		t.Setenv("WATCHDOG_USEC", c.micros)
		t.Setenv("WATCHDOG_PID", c.pid)
		if got, err := Watchdog(); got != c.want || (err != nil) != c.bad {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}
