package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// output is a file that a flag names.
type output struct{ flag, name string }

// outputs are files that are opened before there is anything to write, so that what cannot be written is known early, and that are only put in place
// when they are whole: an ending on the way leaves what was there before.
type outputs struct{ open map[string]*outputFile }

type outputFile struct {
	output
	place string   // where it is to be: name, with links followed
	file  *os.File // beside place, or place itself where that is no regular file (/dev/stdout, a pipe)
	put   bool
}

func openOutputs(all ...output) (*outputs, error) {
	o := &outputs{open: map[string]*outputFile{}}
	for _, one := range all {
		if one.name == "" {
			continue
		}
		if other := o.open[one.name]; other != nil {
			o.abandon()
			return nil, fmt.Errorf("%s and %s name the same file %s", other.flag, one.flag, one.name)
		}
		file, err := openOutput(one)
		if err != nil {
			o.abandon()
			return nil, fmt.Errorf("%s: nothing was measured, because the file could not be written: %w", one.flag, err)
		}
		o.open[one.name] = file
	}
	return o, nil
}

func openOutput(one output) (*outputFile, error) {
	o := &outputFile{output: one, place: one.name}
	if real, err := filepath.EvalSymlinks(one.name); err == nil {
		o.place = real
	}
	mode, old := fs.FileMode(0o666), false
	switch info, err := os.Stat(o.place); {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a directory", one.name)
	case err == nil && !info.Mode().IsRegular():
		o.put = true
		o.file, err = os.OpenFile(o.place, os.O_WRONLY, 0)
		return o, err
	case err == nil:
		mode, old = info.Mode().Perm(), true
		// A file that must not be written is not replaced either.
		check, err := os.OpenFile(o.place, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		check.Close()
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	name := filepath.Join(filepath.Dir(o.place), "."+filepath.Base(o.place)+"."+rand.Text()[:8])
	var err error
	if o.file, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode); err != nil {
		// The error names a file that nobody asked for.
		var path *fs.PathError
		if errors.As(err, &path) {
			path.Path = one.name
		}
		return nil, err
	}
	if old {
		return o, o.file.Chmod(mode)
	}
	return o, nil
}

// write fills a file and puts it in its place. A file that was not asked for ("") is nothing to write.
func (o *outputs) write(name string, fill func(*os.File) error) error {
	f := o.open[name]
	if f == nil {
		return nil
	}
	err := fill(f.file)
	if closed := f.file.Close(); err == nil {
		err = closed
	}
	if err == nil && !f.put {
		err = os.Rename(f.file.Name(), f.place)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", f.flag, name, err)
	}
	f.put = true
	return nil
}

// abandon takes away what was not put in its place.
func (o *outputs) abandon() {
	for _, f := range o.open {
		f.file.Close()
		if !f.put {
			_ = os.Remove(f.file.Name()) // a file that stays does no harm
		}
	}
}
