// Package wording helps to say what is wrong with a word that somebody typed.
package wording
