package testpty

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// Terminal is a pseudoterminal, with its screen and a keyboard.
type Terminal struct {
	// Slave is the program's end: its stdin, stdout and stderr.
	Slave *os.File

	t      testing.TB
	master *os.File

	mu      sync.Mutex
	screen  *Screen       // nil where only the bytes are wanted
	whole   bool          // what is looked at is the screen, and not what has scrolled out of it as well
	changed chan struct{} // closed, and made anew, at each change of the screen
	raw     []byte
	ended   chan struct{} // closed when there is nothing more to read
}

// openRows is how many rows a terminal has that is not asked for more.
const openRows = 40

// Open makes a terminal of 40 rows, which is gone when the test ends. Await and AwaitText look in all that it has shown.
func Open(t testing.TB, columns int) *Terminal {
	t.Helper()
	return open(t, columns, NewScreen(columns, openRows))
}

// OpenRaw makes a terminal that keeps what is printed and shows nothing: for what no terminal should be sent. AwaitText looks in that.
func OpenRaw(t testing.TB, columns int) *Terminal {
	t.Helper()
	return open(t, columns, nil)
}

// OpenFull makes a terminal for a program that draws the whole screen.
func OpenFull(t testing.TB, columns, rows int) *Terminal {
	t.Helper()
	x := open(t, columns, NewScreen(columns, rows))
	x.mu.Lock()
	x.whole = true
	x.mu.Unlock()
	x.Resize(columns, rows)
	return x
}

// Resize gives a terminal of OpenFull another size. Whatever process has it in the foreground is told by a SIGWINCH; one that does not have to
// be sent it.
func (x *Terminal) Resize(columns, rows int) {
	x.t.Helper()
	size := [4]uint16{uint16(rows), uint16(columns)}
	x.mu.Lock()
	x.screen.Resize(columns, rows)
	x.mu.Unlock()
	ioctl(x.t, x.master, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
}

// AwaitScreen waits until the screen, its lines joined by "\n", is as f wants it. what says what that is.
func (x *Terminal) AwaitScreen(what string, f func(screen string) bool) {
	x.t.Helper()
	x.await(what, func(lines []string) bool { return f(strings.Join(lines, "\n")) })
}

// Printed ends the terminal, whose program has ended, and returns the bytes that it was sent. The terminal makes "\r\n" of "\n".
func (x *Terminal) Printed() []byte {
	x.Slave.Close()
	<-x.ended
	return x.raw
}

func open(t testing.TB, columns int, screen *Screen) *Terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		missing(t, err)
	}
	t.Cleanup(func() { master.Close() })
	var number, locked int32
	size := [4]uint16{openRows, uint16(columns)}
	ioctl(t, master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	ioctl(t, master, syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	ioctl(t, master, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		missing(t, err)
	}
	t.Cleanup(func() { slave.Close() })
	x := &Terminal{Slave: slave, t: t, master: master, screen: screen, changed: make(chan struct{}), ended: make(chan struct{})}
	go x.read()
	return x
}

func ioctl(t testing.TB, f *os.File, request uintptr, argument unsafe.Pointer) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(argument)); errno != 0 {
				t.Fatalf("ioctl %#x on a pseudoterminal: %v", request, errno)
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// read shows what the program prints. At the end of the program the read fails with EIO.
func (x *Terminal) read() {
	defer close(x.ended)
	buffer := make([]byte, 4096)
	for {
		n, err := x.master.Read(buffer)
		x.mu.Lock()
		x.raw = append(x.raw, buffer[:n]...)
		if x.screen != nil {
			_, _ = x.screen.Write(buffer[:n])
		}
		close(x.changed)
		x.changed = make(chan struct{})
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Type presses keys.
func (x *Terminal) Type(keys string) {
	x.t.Helper()
	if _, err := x.master.WriteString(keys); err != nil {
		x.t.Fatalf("typing %q: %v", keys, err)
	}
}

// Await waits until the screen's last lines are these.
func (x *Terminal) Await(want ...string) {
	x.t.Helper()
	x.await(strings.Join(want, "\n"), func(lines []string) bool {
		n := len(lines) - len(want)
		return n >= 0 && slices.Equal(lines[n:], want)
	})
}

// AwaitText waits until the text is somewhere on the screen, perhaps over several rows.
func (x *Terminal) AwaitText(text string) {
	x.t.Helper()
	x.await(text, func(lines []string) bool { return strings.Contains(strings.Join(lines, ""), text) })
}

func (x *Terminal) await(what string, there func([]string) bool) {
	x.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		x.mu.Lock()
		lines, changed := x.lines(), x.changed
		x.mu.Unlock()
		if there(lines) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			x.t.Fatalf("the screen never shows\n%s\nbut\n%s", what, strings.Join(lines, "\n"))
		}
	}
}

// lines are what is on the screen, or all that was printed.
func (x *Terminal) lines() []string {
	switch {
	case x.screen == nil:
		return []string{string(x.raw)}
	case x.whole:
		return x.screen.Lines()
	}
	return x.screen.All()
}

// Look calls f with the screen as it is.
func (x *Terminal) Look(f func(*Screen)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f(x.screen)
}
