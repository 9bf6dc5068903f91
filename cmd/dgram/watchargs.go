package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dgram/wire/filter"
)

// watched is what is to be watched: a file, or interfaces.
type watched struct {
	live       bool
	file       string   // "-" is standard input
	interfaces []string // none: all
	words      string   // of the filter
	filter     *filter.Filter
}

// title says what is watched.
func (w *watched) title() string {
	switch {
	case w.file == "-":
		return "standard input"
	case !w.live:
		return filepath.Base(w.file)
	case len(w.interfaces) == 0:
		return "all interfaces"
	}
	return strings.Join(w.interfaces, ", ")
}

// what tells words apart: a file or interfaces first, then a filter. What could be both is refused.
func (f *watchFlags) what(args []string) (w watched, err error) {
	if f.read != "" && len(f.interfaces) > 0 {
		return w, errors.New("--read and --interface exclude each other: it is a file or this machine's interfaces")
	}
	w.file, w.interfaces = f.read, f.interfaces
	rest := args
	if f.read == "" && len(f.interfaces) == 0 {
		if rest, err = w.sources(args); err != nil {
			return w, err
		}
	}
	w.live = w.file == ""
	w.words = strings.Join(rest, " ")
	if strings.TrimSpace(w.words) == "" {
		return w, nil
	}
	if w.filter, err = filter.Parse(w.words); err != nil {
		return w, wrongFilter(err, &w, rest[0])
	}
	return w, nil
}

// sources takes the first words as far as they name a file, or interfaces.
func (w *watched) sources(args []string) (rest []string, err error) {
	for i, word := range args {
		file, isInterface := isFile(word), isInterface(word)
		switch {
		case file && isInterface:
			return nil, fmt.Errorf("%q is an interface and a file: say --interface %s or --read %s", word, word, word)
		case isInterface && isKeyword(word):
			return nil, fmt.Errorf("%q is an interface and a word of filters: say --interface %s, or put the filter in quotes", word, word)
		case file && i == 0:
			w.file = word
			return args[1:], nil
		case file:
			return nil, fmt.Errorf("%s is a file, and %s: dgram watches either", word, strings.Join(w.interfaces, ", "))
		case isInterface:
			w.interfaces = append(w.interfaces, word)
		case looksLikeFile(word) && i == 0:
			_, err := os.Stat(word)
			return nil, fmt.Errorf("read a capture: %w", orNotFile(word, err))
		default:
			return args[i:], nil
		}
	}
	return nil, nil
}

func orNotFile(name string, err error) error {
	if err == nil {
		return fmt.Errorf("%s is a folder", name)
	}
	return err
}

func isFile(word string) bool {
	if word == "-" {
		return true
	}
	info, err := os.Stat(word)
	return err == nil && !info.IsDir()
}

func isInterface(word string) bool {
	if word == "any" {
		return true
	}
	_, err := net.InterfaceByName(word)
	return err == nil
}

// isKeyword reports whether a filter can begin with the word alone.
func isKeyword(word string) bool {
	_, err := filter.Parse(word)
	return err == nil || slices.Contains([]string{"host", "net", "port", "portrange", "src", "dst", "not", "vlan", "less", "greater", "proto", "ether"}, word)
}

// looksLikeFile reports whether a word was meant as a file, so that its absence is what has to be said.
func looksLikeFile(word string) bool {
	switch filepath.Ext(word) {
	case ".pcap", ".pcapng", ".cap", ".gz", ".ntar":
		return true
	}
	return strings.HasPrefix(word, "/") || strings.HasPrefix(word, "./") || strings.HasPrefix(word, "../")
}

// wrongFilter adds to what is wrong with a filter that its first word may have been meant otherwise.
func wrongFilter(err error, w *watched, first string) error {
	if w.live && len(w.interfaces) == 0 && !strings.Contains(first, " ") && !isKeyword(first) {
		return fmt.Errorf("%q is no interface and no file (dgram watch --list names the interfaces), and as a filter: %w", first, err)
	}
	return err
}
