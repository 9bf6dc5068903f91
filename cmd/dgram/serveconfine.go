package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"dgram/internal/confine"
	"dgram/server"
	"dgram/stage"
)

// confineFlags say what serve keeps of its rights once its sockets are open.
type confineFlags struct {
	user     string
	confined choice
	account  *confine.User // of user; nil to stay
}

func (f *confineFlags) define(fs *pflag.FlagSet) {
	f.confined = choice{"on", []string{"on", "off"}}
	fs.StringVar(&f.user, "user", "", "become `USER`, or USER:GROUP, once the sockets are open, and drop every right of root for good")
	fs.Var(&f.confined, "confine", "on: give up files and system calls that serving does not need, as far as this system can; off: do not")
}

// check reads --user, before anything is opened.
func (f *confineFlags) check() error {
	if f.user == "" {
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("--user %q: only root can become another user: start it as root (sudo), or leave --user away", f.user)
	}
	account, err := confine.LookUser(f.user)
	if err != nil {
		return fmt.Errorf("--user %q: %w", f.user, err)
	}
	f.account = &account
	return nil
}

// apply gives up what serving cfg does not need, and says in a line what holds. After an error the server must not go on.
func (f *confineFlags) apply(cfg server.Config, srv *server.Server, folders ...string) (string, error) {
	plan := confine.Plan{User: f.account, Programs: runsPrograms(cfg.Plan), RightsOnly: f.confined.value == "off", Write: folders,
		Read: []string{"/proc/stat"}} // when the system was started, which the metrics tell the start of the process from
	for _, e := range srv.Endpoints() {
		if path := e.Path(); path != "" && !strings.HasPrefix(path, "\x00") {
			plan.Write = append(plan.Write, filepath.Dir(path)) // where it is removed at the end
		}
	}
	report, err := confine.Apply(plan)
	if err != nil {
		return "", fmt.Errorf("not going on with rights that were to be dropped: %w", err)
	}
	return report.String(), nil
}

func runsPrograms(plan *stage.Plan) bool {
	for _, s := range plan.Steps() {
		if s.Kind == stage.HandlerKind {
			return true
		}
	}
	return false
}

// notes are what a person should know of the rights that are left; report is what apply returned.
func (f *confineFlags) notes(cfg server.Config, open, verbose bool, report string) (notes []string) {
	if os.Geteuid() == 0 && open {
		notes = append(notes, "this runs as root where other machines can reach it: --user nobody drops root's rights once the sockets are open")
	}
	switch programs := runsPrograms(cfg.Plan); {
	case f.confined.value == "off":
		notes = append(notes, "--confine off: whoever finds a flaw in this program can do all that its user can")
	case programs && verbose:
		notes = append(notes, fmt.Sprintf("the programs that exec runs can write in %s alone: --confine off lets them write as their user can",
			strings.Join(confine.Temp, ", ")))
	}
	if verbose {
		notes = append(notes, report)
	}
	return notes
}
