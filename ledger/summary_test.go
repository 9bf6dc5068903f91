package ledger

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"dgram"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// served is a server's summary with something of everything.
func served() Summary {
	return Summary{
		Side: "server", Elapsed: 12345 * time.Millisecond, Sockets: 2,
		Received: 1012, ReceivedBytes: 1234567, Sent: 993, SentBytes: 64000, Truncated: 4, Notices: 2, ReceiveErrors: 1,
		Answered: 990, Ignored: 3, Dropped: map[string]uint64{"loss": 10, "busy": 2}, Failed: map[string]uint64{"EMSGSIZE": 6},
		Pending: 1, Copies: 3, CopiesFailed: 1, Drops: Drops{Count: 1200, Known: true, AtLeast: true}, Omitted: 77,
	}
}

func called() Summary {
	return Summary{
		Side: "client", Elapsed: 1500 * time.Microsecond, Sockets: 1, Received: 7, ReceivedBytes: 70, Sent: 9, SentBytes: 90,
		Attempts: 10, Answered: 4, Superseded: 1, Refused: 1, Unreachable: 1, Silent: 1, Failed: map[string]uint64{"ENETUNREACH": 1},
		Pending: 1, Matched: 4, Late: 1, Duplicate: 1, Stray: 1, Drops: Drops{Known: true},
	}
}

// two is the account of two sockets that share an address, and of each of them.
func two() (total Summary, first, second Summary) {
	first, second = served(), Summary{Side: "server", Sockets: 1, Received: 5, Answered: 5, Sent: 5, Drops: Drops{Known: true}}
	first.Sockets, first.Local, second.Local = 1, "127.0.0.1:12345", "127.0.0.1:12345"
	total.Add(first)
	total.Add(second)
	return total, first, second
}

func TestAccountsInWords(t *testing.T) {
	total, first, second := two()
	golden(t, "shards.txt", []byte(InWords(total, []Summary{first, second})+"\n"))
	if got := InWords(first, []Summary{first}); got != first.String() {
		t.Errorf("one socket's account is given twice:\n%s", got)
	}
	if total.Local != first.Local {
		t.Errorf("the address that both sockets are bound to is given as %q", total.Local)
	}
	second.Local = "127.0.0.1:1"
	if total.Add(second); total.Local != "" {
		t.Errorf("sockets at several addresses are said to be at %q", total.Local)
	}
	second.Answered = 0
	if NewSummaryEvent(total, first, second).Balanced {
		t.Error("a shard's account that does not balance is not seen")
	}
}

func TestSummaryInWords(t *testing.T) {
	for file, s := range map[string]Summary{"server.txt": served(), "client.txt": called(),
		"empty.txt": NewAccount(Serving).Summary().still(), "plain.txt": {Side: "server", Elapsed: 3 * time.Hour, Received: 1000, Answered: 990,
			Dropped: map[string]uint64{"loss": 10}}} {
		if err := s.Balance(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		golden(t, file, []byte(s.String()+"\n"))
	}
}

func (s Summary) still() Summary { s.Elapsed = 0; return s }

func TestSummaryAdds(t *testing.T) {
	one, two := served(), served()
	var sum Summary
	sum.Add(one)
	if !reflect.DeepEqual(sum, one) {
		t.Errorf("nothing and one is\n%+v, want\n%+v", sum, one)
	}
	two.Drops = Drops{Count: 1}
	sum.Add(two)
	if sum.Received != 2*one.Received || sum.Dropped["loss"] != 20 || sum.Failed["EMSGSIZE"] != 12 || sum.Pending != 2 || sum.Sockets != 4 ||
		sum.Elapsed != one.Elapsed || sum.Drops != (Drops{Count: 1201, AtLeast: true}) {
		t.Errorf("%+v", sum)
	}
	if one.Dropped["loss"] != 10 {
		t.Error("adding changed what was added")
	}
	if err := sum.Balance(); err != nil {
		t.Error(err)
	}
}

// Every counter of Summary is in the list that Add goes by.
func TestSummaryAddsEverything(t *testing.T) {
	var s, o Summary
	fields := reflect.ValueOf(&o).Elem()
	n := 0
	for i := range fields.NumField() {
		if f := fields.Field(i); f.Kind() == reflect.Uint64 {
			n++
			f.SetUint(uint64(n))
		}
	}
	o.Side, o.Drops.Count = "server", 99
	s.Add(o)
	o.Drops.Known = false
	s.Drops.Known = false
	if !reflect.DeepEqual(s, o) {
		t.Errorf("got %+v, want %+v", s, o)
	}
}

func TestDropsInWords(t *testing.T) {
	for want, d := range map[string]Drops{"unknown": {}, "0": {Known: true}, "≥ 1,234": {Count: 1234, Known: true, AtLeast: true},
		"1,234,567": {Count: 1234567, Known: true}, "≥ 3": {Count: 3}} {
		if d.String() != want {
			t.Errorf("%+v is %q, want %q", d, d, want)
		}
	}
}

func TestSummaryIsJSONBothWays(t *testing.T) {
	for _, s := range []Summary{served(), called()} {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back Summary
		if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, s) {
			t.Errorf("%s came back as %+v: %v", text, back, err)
		}
	}
}

func TestSetDrops(t *testing.T) {
	var s Summary
	s.SetDrops(dgram.Drops{Count: 3, Known: true, AtLeast: true})
	if s.Drops.String() != "≥ 3" {
		t.Error(s.Drops)
	}
}
