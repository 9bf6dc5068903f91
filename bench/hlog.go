package bench

import (
	"errors"
	"fmt"
	"io"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// WriteHlog writes the latency of each measured second as a log of histograms in nanoseconds (HdrHistogram log, version 1.3), which the tools
// of HdrHistogram read. Such a log knows no censored samples: a request without an answer stands in it with the time-out as its latency, so that
// percentiles are never smaller than they were.
func WriteHlog(w io.Writer, r *Result) error {
	log := hdr.NewHistogramLogWriter(w)
	started := r.Started.UnixMilli()
	// Times in the log are after the base, which has whole seconds only.
	base := started / 1000 * 1000
	log.SetBaseTime(base)
	if err := errors.Join(
		log.OutputComment("[latency of "+r.Settings.Target+" in nanoseconds, by dgram bench; requests without an answer count as "+FormatDuration(r.Latency.CensoredAt)+"]"),
		log.OutputLogFormatVersion(),
		log.OutputStartTime(started),
		log.OutputBaseTime(base),
		log.OutputLegend(),
	); err != nil {
		return fmt.Errorf("write the head of the histogram log: %w", err)
	}
	for i := range r.Seconds {
		s := &r.Seconds[i]
		if s.Phase == PhaseWarmup {
			continue
		}
		h, err := s.Latency.withCensored()
		if err != nil {
			return fmt.Errorf("second %d: %w", s.Index, err)
		}
		h.SetStartTimeMs(started + s.Start.Milliseconds())
		h.SetEndTimeMs(started + (s.Start + s.Length).Milliseconds())
		if err := log.OutputIntervalHistogram(h); err != nil {
			return fmt.Errorf("write second %d of the histogram log: %w", s.Index, err)
		}
	}
	return nil
}

// withCensored is the histogram of all samples, those censored at the value that they are known to have reached.
func (d *Distribution) withCensored() (*hdr.Histogram, error) {
	h, err := d.Histogram()
	switch {
	case errors.Is(err, ErrNoSamples):
		h = hdr.New(lowestNS, highestNS, digits)
	case err != nil:
		return nil, err
	}
	if d.Censored == 0 {
		return h, nil
	}
	at := min(d.CensoredAt, time.Duration(h.HighestTrackableValue()))
	return h, h.RecordValues(int64(at), d.Censored)
}
