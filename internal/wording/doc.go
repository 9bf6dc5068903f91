// Package wording helps with words: to say what is wrong with one that somebody typed, and to break lines between them.
package wording
