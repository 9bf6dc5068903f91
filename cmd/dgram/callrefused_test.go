package main

import (
	"testing"

	"dgram"
	"dgram/client"
)

func TestEveryAddressThatRefusesIsNamed(t *testing.T) {
	at := func(text string) dgram.Endpoint {
		e, ok := parsed(t, text).Literal()
		if !ok {
			t.Fatalf("%q is no endpoint", text)
		}
		return e
	}
	six, four := at("[::1]:9"), at("127.0.0.1:9")
	for _, c := range []struct {
		attempts []client.Attempt
		want     string
	}{
		{[]client.Attempt{{Peer: six, Fate: dgram.Refused}, {Peer: four, Fate: dgram.Refused}}, "[::1]:9 or 127.0.0.1:9"},
		{[]client.Attempt{{Peer: six, Fate: dgram.Refused}, {Peer: six, Fate: dgram.Refused}}, "[::1]:9"},
		{[]client.Attempt{{Peer: six, Fate: dgram.Unreachable}, {Peer: four, Fate: dgram.Refused}}, "127.0.0.1:9"},
		{[]client.Attempt{{Peer: six, Fate: dgram.Failed}}, "127.0.0.1:9"},
	} {
		if got := ended(&client.Exchange{Peer: four, Attempts: c.attempts}, dgram.Refused); got != c.want {
			t.Errorf("%v: %q, want %q", c.attempts, got, c.want)
		}
	}
}

func parsed(t *testing.T, text string) dgram.Address {
	t.Helper()
	a, err := dgram.ParseAddress(text, "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}
