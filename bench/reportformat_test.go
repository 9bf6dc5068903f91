package bench

import "testing"

func TestFormats(t *testing.T) {
	for got, want := range map[string]string{
		FormatCount(0):           "0",
		FormatCount(999):         "999",
		FormatCount(-1234):       "-1,234",
		FormatCount(1234567):     "1,234,567",
		FormatRate(0.5):          "0.5/s",
		FormatRate(98.46):        "98.5/s",
		FormatRate(1234567.4):    "1,234,567/s",
		FormatRate(1e20):         "1e+20/s",
		FormatShare(0):           "0 %",
		FormatShare(0.000123456): "0.0123 %",
		FormatShare(1):           "100 %",
		FormatShare(0.12345):     "12.3 %",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
