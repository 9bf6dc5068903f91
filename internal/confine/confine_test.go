package confine

import (
	"os/user"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLookUser(t *testing.T) {
	me, err := user.Current()
	if err != nil || !isNumber(me.Uid) {
		t.Skip("this test wants a system whose users have numbers")
	}
	for _, c := range []struct{ text, want string }{
		{"root", "root keeps"}, {"0", "root keeps"}, {"0:1", "root keeps"}, {"root:1", "root keeps"},
		{"no-such-user", "no user"}, {"", "no user"}, {":1", "no user"}, {"-1", "no user"}, {"-1:-1", "no user"},
		{"4294967295:1", "no user"}, {"4294967296:1", "no user"}, {"1:4294967295", "no group"}, {"1:no-such-group", "no group"}, {"1:", "no group"},
		{"54321", "no user"}, {"nobody\x1b[2J", `nobody\x1b[2J`},
	} {
		if u, err := LookUser(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("LookUser(%q) = %+v, %v, want an error with %q", c.text, u, err, c.want)
		}
	}
	if u, err := LookUser("54321:12345"); err != nil || u.UID != 54321 || u.GID != 12345 {
		t.Errorf("numbers: %+v %v", u, err)
	}
}

// Whatever is asked for, what comes out is an account that is not root's.
func TestLookUserNeverIsRoot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[-+0-9:a-z]{0,12}`)).Draw(t, "text")
		if u, err := LookUser(text); err == nil && (u.UID <= 0 || u.GID < 0 || int64(u.UID) > 1<<32-2) {
			t.Fatalf("%q is %+v", text, u)
		}
	})
}

func TestReport(t *testing.T) {
	for want, r := range map[string]Report{
		"not confined":          {},
		"not confined; nothing": {Missing: []string{"nothing"}},
		"confined: user nobody, no capabilities, files (landlock, version 5), system calls (seccomp, 9 allowed)": {User: "nobody", NoCapabilities: true, Landlock: 5, Calls: 9},
	} {
		if got := r.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
