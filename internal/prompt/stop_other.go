//go:build !unix

package prompt

// stop does nothing: this system stops no programs.
func stop() {}
