package ascii

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// A form is one way to flip; it wants at least so many bytes.
type form struct {
	name  string
	flip  func(p []byte, first byte)
	least int
}

// every form that this machine can run, the one that Upper and Lower choose among them.
func everyForm() []form {
	return append([]form{{"words", flipWords, 0}, {"chosen", flip, 0}}, vectorForms()...)
}

// agree holds every form to the plain loop for p at the alignment, and lets none change a byte beside it.
func agree(t *testing.T, p []byte, alignment int) {
	t.Helper()
	const beside = 64
	for _, first := range []byte{'a', 'A'} {
		for _, canary := range []byte{first, first ^ 0x20} { // letters, so that a flip shows
			around := bytes.Repeat([]byte{canary}, beside+alignment+len(p)+beside)
			copy(around[beside+alignment:], p)
			want := bytes.Clone(around)
			flipBytes(want[beside+alignment:][:len(p)], first)
			for _, f := range everyForm() {
				if len(p) < f.least {
					continue
				}
				got := bytes.Clone(around)
				f.flip(got[beside+alignment:][:len(p):len(p)], first)
				if !bytes.Equal(got, want) {
					t.Fatalf("%s from %q, %d bytes at alignment %d:\n got %q\nwant %q", f.name, first, len(p), alignment, got, want)
				}
			}
		}
	}
}

func TestEveryLengthAndAlignment(t *testing.T) {
	all := everyByte(201)
	for length := range len(all) {
		for alignment := range 64 {
			agree(t, all[:length], alignment)
		}
	}
	for _, length := range []int{201, 1400, 2047, 2048, 2049, 4095, 65507} {
		agree(t, everyByte(length), 1)
	}
}

// everyByte has all 256 values within any 256 bytes.
func everyByte(length int) []byte {
	p := make([]byte, length)
	for i := range p {
		p[i] = byte(i*7 + 'a')
	}
	return p
}

// Every byte in every lane of every form, with neighbours of every kind.
func TestEveryByteInEveryLane(t *testing.T) {
	for _, neighbour := range []byte{0, 'a', 'Z', 0xff} {
		for at := range 140 {
			for c := range 256 {
				p := bytes.Repeat([]byte{neighbour}, 140)
				p[at] = byte(c)
				want := bytes.Clone(p)
				flipBytes(want, 'a')
				for _, f := range everyForm() {
					got := bytes.Clone(p)
					if f.flip(got, 'a'); !bytes.Equal(got, want) {
						t.Fatalf("%s of %q: %q, want %q", f.name, p, got, want)
					}
				}
			}
		}
	}
}

func TestRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		p := make([]byte, random.IntN(4000))
		for i := range p {
			p[i] = byte(random.Uint32())
		}
		agree(t, p, random.IntN(64))
	}
}

func FuzzForms(f *testing.F) {
	f.Add([]byte("Hello, wörld \x00\x7f\x80\xff@AZ[`az{"), byte(3))
	f.Add(everyByte(300), byte(31))
	f.Fuzz(func(t *testing.T, p []byte, alignment byte) {
		agree(t, p, int(alignment%64))
		up, down := bytes.Clone(p), bytes.Clone(p)
		Upper(up)
		Lower(down)
		if want := bytes.ToUpper(p); Only(p) && !bytes.Equal(up, want) {
			t.Fatalf("upper of %q: %q, want %q", p, up, want)
		}
		if want := bytes.ToLower(p); Only(p) && !bytes.Equal(down, want) {
			t.Fatalf("lower of %q: %q, want %q", p, down, want)
		}
		if plain := !bytes.ContainsFunc(p, func(r rune) bool { return r >= 0x80 }); Only(p) != plain {
			t.Fatalf("Only(%q) is %v", p, !plain)
		}
	})
}

func BenchmarkForms(b *testing.B) {
	forms := append([]form{{"plain", flipBytes, 0}}, everyForm()...)
	for _, size := range []int{5, 64, 512, 1400, 65507} {
		p := everyByte(size)
		for _, f := range forms {
			if size < f.least {
				continue
			}
			b.Run(fmt.Sprintf("size=%d/form=%s", size, f.name), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					f.flip(p, 'a')
				}
			})
		}
	}
	// 64 datagrams of 1,400 bytes that lie side by side, each on its own: what a receive with GRO hands over.
	train := everyByte(64 * 1400)
	for _, f := range forms {
		b.Run("size=64x1400/form="+f.name, func(b *testing.B) {
			b.SetBytes(int64(len(train)))
			for b.Loop() {
				for at := 0; at < len(train); at += 1400 {
					f.flip(train[at:at+1400], 'a')
				}
			}
		})
	}
}
