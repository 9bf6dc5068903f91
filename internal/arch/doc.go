// Package arch has no code, only tests: they hold the rules of the house that no linter knows. Every package says
// what it is in doc.go and stands on a floor in .golangci.yaml, no file is left out of a build by its name, every
// x_other.go has its other half, and functions and files stay as short as they are meant to be.
package arch
