package sockets

import (
	"errors"
	"slices"

	"dgram/sock"
)

// Kind is one combination of family and type, and what this kernel makes of it.
type Kind struct {
	Family sock.Family // what was asked for
	Type   sock.Type
	Asked  sock.Proto // the protocol that was asked for: 0, or where 0 is none the one that belongs to the type

	Made      bool        // the kernel opened it
	MadeOf    sock.Family // what the kernel made of it: it turns INET with OLDPACKET into PACKET, and UNIX with RAW into DGRAM
	MadeType  sock.Type
	MadeProto sock.Proto // SO_PROTOCOL
	Err       error      // why not: a *sock.Error, whose Hint says what is missing
}

// Kinds opens a socket of each family and type that package sock has a name for, the default of socket(2)'s callers first (INET, STREAM, 0),
// and closes it. Asking may make the kernel load modules, as any program's asking does.
func Kinds() []Kind {
	kinds := []Kind{try(sock.INET, sock.STREAM, 0)}
	for _, family := range sock.Families() {
		for _, typ := range sock.Types() {
			kinds = append(kinds, tryBoth(family.Family, typ.Type))
		}
	}
	return kinds
}

// tryBoth asks for protocol 0, and then, where the kernel has none of that number, for the protocol that the type is used with.
func tryBoth(family sock.Family, typ sock.Type) Kind {
	first := try(family, typ, 0)
	proto := belongs(family, typ)
	if first.Made || proto == 0 {
		return first
	}
	return try(family, typ, proto)
}

func belongs(family sock.Family, typ sock.Type) sock.Proto {
	if !slices.Contains([]sock.Family{sock.INET, sock.INET6}, family) {
		return 0
	}
	switch {
	case typ == sock.RAW && family == sock.INET:
		return sock.ProtoICMP
	case typ == sock.RAW:
		return sock.ProtoICMPv6
	case typ == sock.SEQPACKET:
		return sock.ProtoSCTP
	}
	return 0
}

func try(family sock.Family, typ sock.Type, proto sock.Proto) Kind {
	k := Kind{Family: family, Type: typ, Asked: proto}
	s, err := sock.New(family, typ, proto)
	if err != nil {
		k.Err = err
		return k
	}
	defer s.Close()
	k.Made, k.MadeOf, k.MadeType, k.MadeProto = true, s.Family(), s.Type(), s.Proto()
	return k
}

// Missing is what to do about a kind that the kernel did not open; empty if nothing is known.
func (k Kind) Missing() string {
	var e *sock.Error
	if !errors.As(k.Err, &e) {
		return ""
	}
	return e.Hint
}
