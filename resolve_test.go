package dgram

import (
	"net"
	"strings"
	"testing"
)

func TestLookupErrorsSayWhatToDo(t *testing.T) {
	for want, err := range map[string]error{
		"no address of that family: use udp://": &net.AddrError{Err: "no suitable address found", Addr: "four.test"},
		"no host is called \"four.test\"":       &net.DNSError{Err: "no such host", Name: "four.test", IsNotFound: true},
		"the name server did not answer":        &net.DNSError{Err: "i/o timeout", Name: "four.test", IsTimeout: true},
		"could not be looked up":                &net.DNSError{Err: "server misbehaving", Name: "four.test"},
	} {
		if got := lookupError("four.test", err).Error(); !strings.Contains(got, want) {
			t.Errorf("%v: %q does not say %q", err, got, want)
		}
	}
}
