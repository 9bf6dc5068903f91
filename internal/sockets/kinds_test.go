package sockets

import (
	"errors"
	"runtime"
	"testing"

	"dgram/sock"
)

func TestKinds(t *testing.T) {
	kinds := Kinds()
	if want := 1 + len(sock.Families())*len(sock.Types()); len(kinds) != want {
		t.Fatalf("%d kinds, want %d", len(kinds), want)
	}
	for _, k := range kinds {
		if k.Made != (k.Err == nil) {
			t.Errorf("%v %v: made %v and yet %v", k.Family, k.Type, k.Made, k.Err)
		}
		if !k.Made && k.Missing() == "" && runtime.GOOS == "linux" {
			t.Errorf("%v %v fails (%v) and nothing is said about what is missing", k.Family, k.Type, k.Err)
		}
		if runtime.GOOS != "linux" && !errors.Is(k.Err, errors.ErrUnsupported) {
			t.Errorf("%v %v: %v", k.Family, k.Type, k.Err)
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	if k := kinds[0]; !k.Made || k.MadeProto != sock.ProtoTCP {
		t.Errorf("the default is %+v, want TCP", k)
	}
	for _, k := range kinds {
		if k.Family == sock.UNIX && k.Type == sock.RAW && (k.MadeOf != sock.UNIX || k.MadeType != sock.DGRAM) {
			t.Errorf("of AF_UNIX SOCK_RAW the kernel makes a SOCK_DGRAM, not %v", k.MadeType)
		}
		if k.Family == sock.INET && k.Type == sock.DGRAM && k.MadeProto != sock.ProtoUDP {
			t.Errorf("AF_INET SOCK_DGRAM has the protocol %v", k.MadeProto)
		}
	}
}
