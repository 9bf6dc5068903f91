package terminal

import (
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Writer is an output that may lose its reader, as in `dgram serve | head -1`: from the first error on it takes everything and writes nothing.
// Several goroutines may write; each Write stays whole.
type Writer struct {
	mu   sync.Mutex
	w    io.Writer
	err  error
	gone func(error)
}

// NewWriter returns a Writer over w. gone, which may be nil, is told the first error, once; it must not write to this Writer.
func NewWriter(w io.Writer, gone func(error)) *Writer { return &Writer{w: w, gone: gone} }

// Write writes p, or drops it once there is nobody to read it. It never fails.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return len(p), nil
	}
	if _, w.err = w.w.Write(p); w.err != nil && w.gone != nil {
		w.gone(w.err)
	}
	return len(p), nil
}

// Err returns what ended the output, nil while it works.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Fd returns the descriptor of what is written to, so that [IsTerminal] and [Size] see through.
func (w *Writer) Fd() uintptr {
	if f, ok := w.w.(filer); ok {
		return f.Fd()
	}
	return noFile
}

// SurvivePipes makes a write to standard output or standard error that nobody reads fail with EPIPE, where it would kill the
// program (package os/signal, "SIGPIPE"). Programs that this one starts are not affected.
func SurvivePipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }
