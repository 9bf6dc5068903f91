//go:build !unix

package main

// enoughFiles finds nothing wrong: this system does not count files so.
func enoughFiles() error { return nil }
