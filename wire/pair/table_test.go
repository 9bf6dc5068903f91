package pair

import (
	"testing"

	"pgregory.net/rapid"
)

// The table finds what Go's map has, whatever is added and removed, with hashes that collide on purpose.
func TestTableBesideMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fast table
		fast.grow()
		slow := map[uint32]uint32{} // number to hash
		hashes := rapid.SampledFrom([]uint32{0, 1, 2, fewestPlaces - 1, fewestPlaces, 2 * fewestPlaces, 1 << 31, 1<<32 - 1})
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			number := rapid.Uint32Range(1, 40).Draw(t, "number")
			by := rapid.Uint32Range(1, 40).Draw(t, "by")
			_, taken := slow[by]
			if hash, in := slow[number]; in && !taken && rapid.Bool().Draw(t, "replace") {
				fast.replace(hash, number, by)
				delete(slow, number)
				slow[by] = hash
			} else if in {
				fast.remove(hash, number)
				delete(slow, number)
			} else {
				hash := hashes.Draw(t, "hash")
				fast.add(hash, number)
				slow[number] = hash
			}
			fast.remove(7, 999) // which was never there
			fast.replace(7, 999, 998)
		}
		for _, hash := range []uint32{0, 1, 2, fewestPlaces - 1, fewestPlaces, 2 * fewestPlaces, 1 << 31, 1<<32 - 1} {
			found := map[uint32]bool{}
			for n, place := fast.find(hash, hash); n != 0; n, place = fast.find(hash, place) {
				found[n] = true
			}
			for number, h := range slow {
				if (h == hash) != found[number] {
					t.Fatalf("hash %d: found %v of %v", hash, found, slow)
				}
			}
			if fast.used != len(slow) {
				t.Fatalf("%d used, not %d", fast.used, len(slow))
			}
		}
	})
}

// A table that has grown finds everything.
func TestTableGrows(t *testing.T) {
	var table table
	table.grow()
	const many = 100_000
	for n := uint32(1); n <= many; n++ {
		table.add(n*2654435761, n)
	}
	for n := uint32(1); n <= many; n++ {
		if found, _ := table.find(n*2654435761, n*2654435761); found != n {
			t.Fatalf("%d is found as %d", n, found)
		}
	}
	for n := uint32(1); n <= many; n++ {
		table.remove(n*2654435761, n)
	}
	if table.used != 0 {
		t.Errorf("%d are left", table.used)
	}
}
