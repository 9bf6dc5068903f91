package main

import (
	"io"

	"dgram/internal/sockets"
	"dgram/ledger"
)

// The events of dgram sockets (docs/sockets.md).
const (
	typeKind   ledger.Type = "kind"
	typeSocket ledger.Type = "socket"
)

// kindEvent is a family and type of sockets, tried on this kernel.
type kindEvent struct {
	ledger.Header
	Family       string `json:"family"`
	FamilyNumber int    `json:"family_number"`
	Kind         string `json:"kind"`
	KindNumber   int    `json:"kind_number"`
	Asked        int    `json:"asked"`
	Opens        bool   `json:"opens"`
	MadeFamily   string `json:"made_family,omitempty"`
	MadeKind     string `json:"made_kind,omitempty"`
	Proto        int    `json:"protocol"`
	ProtoName    string `json:"protocol_name,omitempty"`
	Errno        string `json:"errno,omitempty"`
	Text         string `json:"text,omitempty"`
}

func newKindEvent(k sockets.Kind) *kindEvent {
	e := &kindEvent{Header: ledger.Header{Type: typeKind}, Family: k.Family.String(), FamilyNumber: int(k.Family),
		Kind: k.Type.String(), KindNumber: int(k.Type), Asked: int(k.Asked), Opens: k.Made}
	if !k.Made {
		e.Errno, e.Text = errnoOf(k.Err), k.Missing()
		return e
	}
	e.MadeFamily, e.MadeKind, e.Proto, e.ProtoName = k.MadeOf.String(), k.MadeType.String(), int(k.MadeProto), k.MadeProto.Name(k.MadeOf)
	e.Text = kindText(k)
	return e
}

// socketEvent is a socket of a process. What nobody tells is left out.
type socketEvent struct {
	ledger.Header
	PID            int            `json:"pid,omitempty"`
	Command        string         `json:"command,omitempty"`
	FD             *int           `json:"fd,omitempty"`
	Inode          uint64         `json:"inode"`
	UID            *int           `json:"uid,omitempty"`
	Family         string         `json:"family,omitempty"`
	Kind           string         `json:"kind,omitempty"`
	Proto          int            `json:"protocol"`
	ProtoName      string         `json:"protocol_name,omitempty"`
	State          string         `json:"state,omitempty"`
	Local          string         `json:"local,omitempty"`
	Peer           string         `json:"peer,omitempty"`
	ReceiveBuffer  *int64         `json:"receive_buffer,omitempty"`
	SendBuffer     *int64         `json:"send_buffer,omitempty"`
	ReceiveCharged *int64         `json:"receive_charged,omitempty"`
	SendCharged    *int64         `json:"send_charged,omitempty"`
	Queue          *int64         `json:"queue,omitempty"`
	Unsent         *int64         `json:"unsent,omitempty"`
	Drops          *int64         `json:"drops,omitempty"`
	CloseOnExec    *bool          `json:"close_on_exec,omitempty"`
	Nonblock       *bool          `json:"nonblock,omitempty"`
	Options        map[string]any `json:"options,omitempty"`
	Copied         bool           `json:"copied"`
}

func newSocketEvent(s sockets.Socket) *socketEvent {
	e := &socketEvent{Header: ledger.Header{Type: typeSocket}, PID: s.PID, Command: s.Command, Inode: s.Inode, Proto: int(s.Proto), State: string(s.State),
		ReceiveBuffer: known(s.ReceiveBuffer), SendBuffer: known(s.SendBuffer), ReceiveCharged: known(s.ReceiveCharged), SendCharged: known(s.SendCharged),
		Queue: known(s.Queue), Unsent: known(s.Unsent), Drops: known(s.Drops), UID: known(s.UID), FD: known(s.FD), Copied: s.Copied}
	if s.Family != 0 {
		e.Family, e.Kind, e.ProtoName = s.Family.String(), s.Type.String(), s.Proto.Name(s.Family)
	}
	if s.Local != nil {
		e.Local = s.Local.String()
	}
	if s.Peer != nil {
		e.Peer = s.Peer.String()
	}
	if s.CloseOnExecKnown {
		e.CloseOnExec = &s.CloseOnExec
	}
	if s.Copied {
		e.Nonblock = &s.Nonblock
	}
	for _, o := range s.Options {
		if e.Options == nil {
			e.Options = map[string]any{}
		}
		if e.Options[o.Name] = o.Value; o.Text != "" {
			e.Options[o.Name] = o.Text
		}
	}
	return e
}

// known is nil for a number that nobody told.
func known[T int | int64](n T) *T {
	if n < 0 {
		return nil
	}
	return &n
}

func writeEvent(w io.Writer, e ledger.Event) error {
	line, err := ledger.Marshal(e)
	if err == nil {
		_, err = w.Write(line)
	}
	return err
}
