package main

import (
	"strconv"

	"dgram"
	"dgram/internal/watchscreen"
	"dgram/ledger"
)

// settled is a line about a request that nobody answered. What else may become of one, another packet says.
func (t *textLines) settled(s settlement) {
	if s.Fate != dgram.Silent {
		return
	}
	t.out.add(func(b []byte) []byte {
		b = strconv.AppendUint(append(b, "No. "...), s.No, 10)
		return append(watchscreen.AppendRTT(append(b, " unanswered after "...), s.patience), '\n')
	})
}

// settled is an event about a request that was shown before.
func (j *jsonLines) settled(s settlement) {
	j.out.add(func(b []byte) []byte {
		b = j.head(b, ledger.TypeSettled, s.at)
		b = strconv.AppendUint(append(b, `,"number":`...), s.No, 10)
		b = append(append(append(b, `,"fate":"`...), s.Fate.String()...), '"')
		if s.By != 0 {
			b = strconv.AppendUint(append(b, `,"by":`...), s.By, 10)
		}
		return append(appendMicroseconds(b, s.RTT), "}\n"...)
	})
}
