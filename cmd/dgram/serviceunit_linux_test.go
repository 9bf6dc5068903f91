package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"dgram/internal/testnet"
)

const units = "../../dist/systemd/"

// unit reads a unit file: each setting with its values.
func unit(t *testing.T, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(units + name)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "[") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Errorf("%s: %q is no setting", name, line)
		}
		settings[name] = append(settings[name], value)
	}
	return settings
}

// The service has none of what these settings take away. systemd-analyze weighs them; this holds where it is not installed.
func TestServiceIsHardened(t *testing.T) {
	service := unit(t, "dgram.service")
	for name, want := range map[string]string{
		"DynamicUser": "yes", "CapabilityBoundingSet": "", "AmbientCapabilities": "", "NoNewPrivileges": "yes", "ProtectSystem": "strict",
		"ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes", "PrivateUsers": "yes", "PrivateNetwork": "yes", "ProtectClock": "yes",
		"ProtectHostname": "yes", "ProtectKernelTunables": "yes", "ProtectKernelModules": "yes", "ProtectKernelLogs": "yes",
		"ProtectControlGroups": "yes", "ProtectProc": "invisible", "ProcSubset": "pid", "RestrictNamespaces": "yes", "RestrictRealtime": "yes",
		"RestrictSUIDSGID": "yes", "LockPersonality": "yes", "MemoryDenyWriteExecute": "yes", "SystemCallArchitectures": "native",
		"KillMode": "control-group", "Requires": "dgram.socket", "Type": "notify", "WatchdogSec": "30s",
	} {
		if got := service[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if filter := service["SystemCallFilter"]; len(filter) != 2 || !strings.HasPrefix(filter[0], "@system-service") || !strings.HasPrefix(filter[1], "~@privileged") {
		t.Errorf("SystemCallFilter is %q", filter)
	}
	if got := unit(t, "dgram.socket")["ListenDatagram"]; len(got) != 1 || got[0] != "127.0.0.1:12345" {
		t.Errorf("the socket listens on %q", got)
	}
}

// What the service starts is a command line that this program takes.
func TestServiceCommandLine(t *testing.T) {
	line := unit(t, "dgram.service")["ExecStart"]
	if len(line) != 1 {
		t.Fatalf("ExecStart is %q", line)
	}
	words := strings.Fields(strings.ReplaceAll(line[0], "$DGRAM_OPTIONS", ""))
	if words[0] != "/usr/local/bin/dgram" {
		t.Errorf("it starts %s", words[0])
	}
	serveWith(t, exec.Command(self(t), append(words[1:], "127.0.0.1:0")...)).stop(t)
}

// systemd's own count of what the service could still do: 0 is nothing, 10 all.
func TestServiceExposure(t *testing.T) {
	testnet.Need(t, "systemd-analyze") // TestServiceIsHardened holds the settings without it
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", units+"dgram.service").CombinedOutput()
	if strings.Contains(string(out), "unrecognized option") {
		testnet.Missing(t, "systemd 250 or newer")
	}
	if err != nil || !strings.Contains(string(out), "Overall exposure level") {
		t.Errorf("more than 1.5: %v\n%s", err, out)
	}
	t.Log(strings.TrimSpace(string(out)[strings.LastIndex(string(out), "→"):]))
}
