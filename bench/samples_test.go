package bench

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What is said of samples that several workers recorded is what sorting all of them says.
func TestSamplesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := rapid.SliceOfN(rapid.SliceOfN(rapid.Int64Range(-5, 2*highestNS), 0, 200), 1, 4).Draw(t, "workers")
		whole, whole2 := newPacked(), newPacked()
		var all []int64
		for _, recorded := range workers {
			s := newSamples()
			for _, ns := range recorded {
				s.record(ns)
				all = append(all, min(max(ns, 0), highestNS))
			}
			second := newPacked()
			second.take(s)
			whole.take(s)
			whole2.merge(second)
		}
		d := whole.distribution(0, time.Second, Percents)
		if d2 := whole2.distribution(0, time.Second, Percents); d2.Count != d.Count || !slices.Equal(d2.Quantiles, d.Quantiles) || whole.encoded() != whole2.encoded() {
			t.Fatalf("of workers %+v, of seconds %+v", d, d2)
		}
		if d.Count != int64(len(all)) {
			t.Fatalf("%d samples of %d", d.Count, len(all))
		}
		if len(all) == 0 {
			return
		}
		slices.Sort(all)
		if int64(d.Min) != all[0] || int64(d.Max) != all[len(all)-1] {
			t.Errorf("%v to %v of %v", d.Min, d.Max, all)
		}
		mean, squares := 0.0, 0.0
		for _, ns := range all {
			mean += float64(ns) / float64(len(all))
		}
		for _, ns := range all {
			squares += (float64(ns) - mean) * (float64(ns) - mean) / float64(len(all))
		}
		if near := 1e-6*float64(all[len(all)-1]) + 1; math.Abs(float64(d.Mean)-mean) > near || math.Abs(float64(d.StdDev)-math.Sqrt(squares)) > near {
			t.Errorf("mean %v ± %v, not %.0f ± %.0f", d.Mean, d.StdDev, mean, math.Sqrt(squares))
		}
		for _, q := range d.Quantiles {
			want := all[max(int(math.Ceil(q.Percent/100*float64(len(all))-1e-9)), 1)-1]
			if got := int64(q.Value); got < want || float64(got) > float64(want)*1.001+1 {
				t.Errorf("%v %% is %d, not %d, of %v", q.Percent, got, want, all)
			}
		}
		d.HDR = whole.encoded()
		if h, err := d.Histogram(); err != nil || h.TotalCount() != d.Count {
			t.Errorf("the text holds %v of %d: %v", h, d.Count, err)
		}
	})
}
