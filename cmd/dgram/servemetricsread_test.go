package main

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	dto "github.com/prometheus/client_model/go"
)

// Whatever a server writes is read as it was written.
func TestReadPageRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x exposition
		want := map[pageKey]uint64{}
		for key := range rapid.MapOfN(rapid.Custom(func(t *rapid.T) pageKey {
			word := rapid.OneOf(rapid.String(), rapid.StringMatching(`["\\\n{},= a]*`))
			return pageKey{droppedName, word.Draw(t, "reason"), pageSocket{word.Draw(t, "address"), word.Draw(t, "socket")}}
		}), rapid.Just(true), 0, 5).Draw(t, "samples") {
			if valid := strings.ToValidUTF8(key.what+key.socket.address+key.socket.number, ""); valid != key.what+key.socket.address+key.socket.number {
				continue
			}
			n := rapid.Uint64Range(0, 1<<53).Draw(t, "value")
			want[key] = n
			x.one(key.name, "counter", "Help.", float64(n), "reason", key.what, "address", key.socket.address, "socket", key.socket.number)
		}
		x.one("other", "gauge", "", -0.5, "le", "+Inf")
		p, err := readPage(string(x.text))
		if err != nil || len(p.values) != len(want) {
			t.Fatalf("%v: %v from %q", err, p.values, x.text)
		}
		for key, n := range want {
			if p.values[key] != n {
				t.Fatalf("%v is %d, want %d", key, p.values[key], n)
			}
		}
	})
}

// A page that Prometheus's own parser takes, too, says the same to both.
func FuzzReadPage(f *testing.F) {
	for _, page := range []string{
		"", "# HELP a b\n# TYPE a counter\na 1\n", receivedName + "{address=\"127.0.0.1:53\",socket=\"0\"} 5 1700000000\n" + droppedName + "{reason=\"too big\"} 1e+06\n",
		"\t" + receivedName + " { address = \"a\\\\\\\"\\n\" , } 1 \n", startedName + " 1.7e9\n", receivedName + "{} 0x1p3\n", "{\"" + receivedName + "\"} 5\n", receivedName + "{a=\"\xff\"} 1\n",
	} {
		f.Add(page)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := readPage(text)
		if err != nil {
			return
		}
		families, err := parseMetrics(strings.NewReader(text))
		if err != nil {
			return
		}
		read := 0
		for name, more := range pageNames {
			for _, m := range families[name].GetMetric() {
				if kind := families[name].GetType(); name == startedName || kind == dto.MetricType_HISTOGRAM || kind == dto.MetricType_SUMMARY || kind == dto.MetricType_GAUGE_HISTOGRAM {
					return
				}
				label := map[string]string{}
				for _, l := range m.GetLabel() {
					label[l.GetName()] = l.GetValue()
				}
				value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
				if got, ok := p.values[pageKey{name, label[more], pageSocket{label["address"], label["socket"]}}]; !ok || float64(got) != value {
					t.Errorf("%s%v is %d, and to Prometheus %v: %q", name, label, got, value, text)
				}
				read++
			}
		}
		if read != len(p.values) {
			t.Errorf("%d samples, and Prometheus has %d of them: %q", len(p.values), read, text)
		}
	})
}
