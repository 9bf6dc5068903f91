package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The document names every field of the events that dgram watch writes, and shows none that it does not write.
func TestWatchEventsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/event-schema.md")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(self(t), "watch", captureFile(t), "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for field := range event {
			written[field] = true
			if !strings.Contains(string(text), "`"+field+"`") {
				t.Errorf("docs/event-schema.md does not describe %q of %s", field, line)
			}
		}
	}
	shown := 0
	for line := range strings.Lines(string(text)) {
		var event map[string]any
		if json.Unmarshal([]byte(line), &event) != nil || event["type"] != "packet" && event["type"] != "settled" && event["type"] != "capture" {
			continue
		}
		shown++
		for field := range event {
			if !written[field] {
				t.Errorf("docs/event-schema.md shows %q, which no event of the scene has: %s", field, line)
			}
		}
	}
	if shown < 2 {
		t.Errorf("docs/event-schema.md shows %d events of dgram watch", shown)
	}
}
