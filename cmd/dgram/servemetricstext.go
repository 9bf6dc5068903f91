package main

import (
	"math"
	"strconv"
	"strings"
)

// exposition is a page of metrics in the text format that Prometheus reads, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). The samples of a family follow it.
type exposition struct{ text []byte }

const expositionType = "text/plain; version=0.0.4; charset=utf-8"

// family begins the samples of a name; kind is counter, gauge, histogram, summary or untyped.
func (x *exposition) family(name, kind, help string) {
	x.text = append(x.text, "# HELP "+name+" "+helpEscapes.Replace(help)+"\n# TYPE "+name+" "+kind+"\n"...)
}

// sample adds a value; labels are names and values in turn.
func (x *exposition) sample(name string, value float64, labels ...string) {
	x.text = append(x.text, name...)
	for i := 0; i+1 < len(labels); i += 2 {
		before := ","
		if i == 0 {
			before = "{"
		}
		x.text = append(x.text, before+labels[i]+`="`+labelEscapes.Replace(strings.ToValidUTF8(labels[i+1], "�"))+`"`...)
	}
	if len(labels) > 1 {
		x.text = append(x.text, '}')
	}
	x.text = append(append(append(x.text, ' '), number(value)...), '\n')
}

// one is a family with a single sample.
func (x *exposition) one(name, kind, help string, value float64, labels ...string) {
	x.family(name, kind, help)
	x.sample(name, value, labels...)
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func number(v float64) string {
	if math.IsInf(v, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
