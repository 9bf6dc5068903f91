package main

import (
	"os"
	"runtime"
	gometrics "runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// process adds what every program is asked for, under the names that it has in others (https://prometheus.io/docs/instrumenting/writing_clientlibs/).
func (x *exposition) process() {
	for _, m := range ofTheSystem() {
		if m.known {
			x.one(m.name, m.kind, m.help, m.value)
		}
	}
	x.one("go_info", "gauge", "Always 1; the label says which Go this was built with.", 1, "version", runtime.Version())
	samples := make([]gometrics.Sample, len(ofTheRuntime))
	for i, m := range ofTheRuntime {
		samples[i].Name = m.source
	}
	gometrics.Read(samples)
	for i, m := range ofTheRuntime {
		if value, ok := numeric(samples[i].Value); ok {
			x.one(m.name, m.kind, m.help, value)
		}
	}
}

func numeric(v gometrics.Value) (float64, bool) {
	switch v.Kind() {
	case gometrics.KindUint64:
		return float64(v.Uint64()), true
	case gometrics.KindFloat64:
		return v.Float64(), true
	}
	return 0, false
}

// ofTheRuntime are figures of Go's runtime (package runtime/metrics).
var ofTheRuntime = []struct{ name, kind, help, source string }{
	{"go_goroutines", "gauge", "Goroutines that exist.", "/sched/goroutines:goroutines"},
	{"go_threads", "gauge", "Threads of the system that the runtime has.", "/sched/threads/total:threads"},
	{"go_gc_cycles_total", "counter", "Garbage collections.", "/gc/cycles/total:gc-cycles"},
	{"go_memstats_alloc_bytes", "gauge", "Bytes of objects on the heap.", "/memory/classes/heap/objects:bytes"},
	{"go_memstats_alloc_bytes_total", "counter", "Bytes of all objects that were ever made.", "/gc/heap/allocs:bytes"},
	{"go_memstats_heap_objects", "gauge", "Objects on the heap.", "/gc/heap/objects:objects"},
	{"go_memstats_mallocs_total", "counter", "Objects that were ever made.", "/gc/heap/allocs:objects"},
	{"go_memstats_next_gc_bytes", "gauge", "Size of the heap at which it is next collected.", "/gc/heap/goal:bytes"},
	{"go_memstats_sys_bytes", "gauge", "Bytes that the runtime has from the system.", "/memory/classes/total:bytes"},
}

type processMetric struct {
	name, kind, help string
	value            float64
	known            bool
}

// started is when this process began, to within the time that a Go program takes to begin.
var started = time.Now()

// ofTheSystem is what the system tells of this process; where it is not Linux, mostly nothing (proc(5)).
func ofTheSystem() []processMetric {
	const page = "process_"
	resident, virtual, memory := processMemory()
	files, known := openFiles()
	limit, limited := fileLimit()
	cpu, spent := processorSeconds()
	return []processMetric{
		{page + "start_time_seconds", "gauge", "When the process began, in seconds since 1970.", float64(started.UnixMilli()) / 1e3, true},
		{page + "cpu_seconds_total", "counter", "Processor time that was used.", cpu, spent},
		{page + "resident_memory_bytes", "gauge", "Memory that is in use, the program's own pages included.", resident, memory},
		{page + "virtual_memory_bytes", "gauge", "Addresses that are in use.", virtual, memory},
		{page + "open_fds", "gauge", "Open descriptors.", files, known},
		{page + "max_fds", "gauge", "Descriptors that may be open.", limit, limited},
	}
}

func processMemory() (resident, virtual float64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0, 0, false
	}
	pages := func(field string) float64 {
		n, err := strconv.ParseUint(field, 10, 64)
		ok = ok && err == nil
		return float64(n) * float64(os.Getpagesize())
	}
	ok = true
	virtual, resident = pages(fields[0]), pages(fields[1])
	return resident, virtual, ok
}

func openFiles() (float64, bool) {
	folder, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, false
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	return float64(len(names) - 1), err == nil // but for the folder itself
}
