package ascii

import (
	"bytes"
	"syscall"
	"testing"
)

// A read or a write outside the slice faults here: it begins or ends where a page ends that nobody may touch.
func TestNothingOutsideIsTouched(t *testing.T) {
	page := syscall.Getpagesize()
	memory, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(memory)
	for _, guard := range [][]byte{memory[:page], memory[2*page:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	middle := memory[page : 2*page : 2*page]
	for length := range 301 {
		want := everyByte(length)
		flipBytes(want, 'a')
		for _, f := range everyForm() {
			for _, p := range [][]byte{middle[:length:length], middle[page-length:]} {
				if length < f.least {
					continue
				}
				copy(p, everyByte(length))
				if f.flip(p, 'a'); !bytes.Equal(p, want) {
					t.Fatalf("%s of %d bytes beside a guard page", f.name, length)
				}
			}
		}
	}
}
