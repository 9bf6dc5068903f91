package watchscreen

import "dgram/internal/terminal"

// bare is a drawn line without its styles.
func bare(line string) string { return terminal.Unstyled(line) }
