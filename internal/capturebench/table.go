//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// printTable prints a line for each load and tool, medians over the passes, and how ours stands to each of the others within a pass.
func printTable(to io.Writer, tools []tool, results []result) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer func() { _ = w.Flush() }()
	fmt.Fprintln(w, "load\ttool\toffered/s\tcaptured/s\tlost\tsays lost\tCPU ns/packet\tours captures\tours costs\t")
	for _, load := range workloads {
		for _, t := range tools {
			mine, theirs := of(results, load.name, tools[0].name), of(results, load.name, t.name)
			if len(theirs) == 0 {
				continue
			}
			captures, costs := "", ""
			if t.name != tools[0].name {
				captures = fmt.Sprintf("%.2f x", ratio(mine, theirs, result.rate))
				costs = fmt.Sprintf("%.2f x", ratio(mine, theirs, result.cpuPerPacket))
			}
			fmt.Fprintf(w, "%s\t%s\t%.0f\t%.0f\t%.2f %%\t%.2f %%\t%.0f\t%s\t%s\t\n", load.name, t.name, each(theirs, result.offeredRate),
				each(theirs, result.rate), 100*each(theirs, result.lost), 100*each(theirs, result.told), each(theirs, result.cpuPerPacket), captures, costs)
		}
	}
}

func of(results []result, load, tool string) []result {
	var some []result
	for _, r := range results {
		if r.load == load && r.tool == tool {
			some = append(some, r)
		}
	}
	return some
}

func each(results []result, value func(result) float64) float64 {
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = value(r)
	}
	return median(values)
}

// ratio is the median of what mine is to theirs in the same pass.
func ratio(mine, theirs []result, value func(result) float64) float64 {
	var values []float64
	for i := range min(len(mine), len(theirs)) {
		if d := value(theirs[i]); d > 0 {
			values = append(values, value(mine[i])/d)
		}
	}
	return median(values)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
