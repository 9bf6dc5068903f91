package confine

import "fmt"

// Apply confines the process as p says. What this kernel does not offer is named in the Report and is no error. An error means that
// something of what p.User or Linux promises is not so: the process must not go on.
func Apply(p Plan) (Report, error) {
	var r Report
	if p.User != nil {
		if err := become(*p.User); err != nil {
			return r, fmt.Errorf("become user %s: %w", p.User.Name, err)
		}
		r.User, r.NoCapabilities = p.User.Name, true
	} else if !p.Programs && !p.RightsOnly {
		shedCapabilities()
		r.NoCapabilities = withoutCapabilities() == nil
	}
	if p.RightsOnly {
		return r, nil
	}
	if err := noNewPrivileges(); err != nil {
		return r, err
	}
	var err error
	if r.Landlock, err = restrictFiles(p); err != nil {
		r.Missing = append(r.Missing, "files are not confined: "+err.Error())
	}
	if !p.Programs {
		if r.Calls, err = filterCalls(); err != nil {
			r.Missing = append(r.Missing, "system calls are not confined: "+err.Error())
		}
	}
	return r, nil
}
