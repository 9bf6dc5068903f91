package record

import (
	"strconv"
	"time"

	"dgram"
)

// appendComment writes what a packet's comment says.
func (e *entry) appendComment(b []byte) []byte {
	switch e.kind {
	case request:
		b = e.appendFate(b)
	case reply:
		b = e.about(append(b, "reply to "...))
	case extra:
		b = e.about(append(b, "extra copy of the reply to "...))
	case attempt:
		b = append(b, "in flight"...)
	case retry:
		b = strconv.AppendUint(append(b, "retry of No. "...), e.other, 10)
		b = append(b, ", which "...)
		b = append(b, retried(e.fate)...)
		b = appendAfter(b, e.took)
	case answer:
		b = e.appendAnswer(b)
	case unasked:
		b = append(b, "late, duplicate or stray: no request waits for it"...)
	}
	if e.truncated {
		b = append(b, "; longer than the buffer: it lost its end"...)
	}
	if e.lost > 0 {
		b = append(b, "; "...)
		b = strconv.AppendUint(b, e.lost, 10)
		b = append(b, " packets before this one were left out, so as not to slow the process"...)
	}
	return b
}

// appendFate writes what became of a request.
func (e *entry) appendFate(b []byte) []byte {
	switch e.fate {
	case dgram.Answered:
		if e.other == 0 {
			return append(b, "answered"...)
		}
		b = strconv.AppendUint(append(b, "answered by No. "...), e.other, 10)
		return appendAfter(b, e.took)
	case dgram.Pending:
		return append(b, "pending: a handler or a delay holds it"...)
	case dgram.Ignored:
		return append(b, "ignored: no reply was wanted"...)
	case dgram.Dropped:
		return append(append(b, "dropped: "...), reasonWords(e.reason)...)
	case dgram.Failed:
		return append(append(b, "failed: the reply could not be sent: "...), e.err.Error()...)
	}
	return append(b, "received; the process ended before it settled"...)
}

func (e *entry) appendAnswer(b []byte) []byte {
	switch e.fate {
	case dgram.Late:
		return e.about(append(b, "late: reply to "...))
	case dgram.Duplicate:
		return e.about(append(b, "duplicate: a further reply to "...))
	case dgram.Stray:
		return append(b, "stray: it answers nothing that was asked, or comes from somebody who was not"...)
	case dgram.Matched:
		return e.about(append(b, "reply to "...))
	}
	return append(b, "received"...)
}

// about names the packet that this one is about, and how long after it came.
func (e *entry) about(b []byte) []byte {
	if e.other == 0 {
		return append(b, "a packet that is not here"...)
	}
	b = strconv.AppendUint(append(b, "No. "...), e.other, 10)
	return appendAfter(b, e.took)
}

// appendAfter writes " after 0.213 ms".
func appendAfter(b []byte, ns int64) []byte {
	b = append(b, " after "...)
	if ns < int64(time.Second) {
		return append(appendThousandths(b, ns/int64(time.Microsecond)), " ms"...)
	}
	return append(appendThousandths(b, ns/int64(time.Millisecond)), " s"...)
}

func appendThousandths(b []byte, n int64) []byte {
	b = strconv.AppendInt(b, n/1000, 10)
	n %= 1000
	return append(b, '.', byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
}

func retried(f dgram.Fate) string {
	switch f {
	case dgram.Refused:
		return "was refused"
	case dgram.Unreachable:
		return "found no way there"
	}
	return "had no reply"
}

// reasonWords are those of a reason for a person who has only the file.
func reasonWords(r dgram.Reason) string {
	switch r {
	case dgram.ReasonLimit:
		return "rate limit"
	case dgram.ReasonSource:
		return "no client has such a source"
	case dgram.ReasonLoop:
		return "loop guard"
	case dgram.ReasonAmplify:
		return "the reply would be larger than the request"
	case dgram.ReasonTooBig:
		return "the reply would not fit a datagram"
	case dgram.ReasonLoss:
		return "loss, on purpose"
	}
	return r.String()
}
