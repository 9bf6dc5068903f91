// Package testpty gives tests a terminal: a pseudoterminal (pty(7)) for the program under test, and the screen that a person would see, kept
// by a small emulator of what xterm does. Only Linux has it; on other systems Open skips.
package testpty
