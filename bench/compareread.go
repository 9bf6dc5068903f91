package bench

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// ErrNotResult is wrapped by errors about text that is no Result as JSON.
var ErrNotResult = errors.New("not the JSON of a run (dgram bench --json)")

// What ReadResults takes at most. An hour of seconds is about 20 MiB.
const (
	maxResultBytes = 256 << 20
	maxRuns        = 1000
	maxSeconds     = 100_000
)

// ReadResults reads the Results in r, one after another: one run, or several that were appended to one file. It trusts nothing: what is no Result, or
// cannot have come from a run, is an error that wraps ErrNotResult, and memory stays in proportion to the text.
func ReadResults(r io.Reader) ([]*Result, error) {
	limited := &io.LimitedReader{R: r, N: maxResultBytes}
	decoder := json.NewDecoder(limited)
	var all []*Result
	for {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		switch {
		case limited.N <= 0:
			return nil, fmt.Errorf("%w: more than %d MiB", ErrNotResult, maxResultBytes>>20)
		case errors.Is(err, io.EOF) && len(all) > 0:
			return all, nil
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%w: it is empty", ErrNotResult)
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrNotResult, err)
		case len(all) == maxRuns:
			return nil, fmt.Errorf("%w: more than %d runs", ErrNotResult, maxRuns)
		}
		result, err := readResult(raw)
		if err != nil {
			return nil, fmt.Errorf("%w: run %d: %w", ErrNotResult, len(all)+1, err)
		}
		all = append(all, result)
	}
}

func readResult(raw json.RawMessage) (*Result, error) {
	var head struct{ Schema string }
	// Text of another schema may have fields of the same names and other types, so the schema is looked at first.
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, err
	}
	switch head.Schema {
	case Schema:
	case FindMaxSchema:
		return nil, errors.New("it is what --find-max found, which is one figure: compare runs at a fixed --rate")
	case "":
		return nil, errors.New("it has no schema")
	default:
		return nil, fmt.Errorf("its schema is %.40q, and this program reads %q", head.Schema, Schema)
	}
	result := new(Result)
	if err := json.Unmarshal(raw, result); err != nil {
		return nil, err
	}
	return result, result.check()
}

// check refuses what no run can have written.
func (r *Result) check() error {
	if r.Elapsed < 0 || r.Settings.Timeout < 0 || len(r.Seconds) > maxSeconds {
		return errors.New("its times are impossible")
	}
	if err := r.Totals.check(); err != nil {
		return err
	}
	if _, err := r.Latency.decode(); err != nil && !errors.Is(err, ErrNoSamples) {
		return err
	}
	for i := range r.Seconds {
		s := &r.Seconds[i]
		if s.Length < 0 || s.Length > 24*time.Hour {
			return fmt.Errorf("second %d is %v long", i+1, s.Length)
		}
		if err := s.Counts.check(); err != nil {
			return fmt.Errorf("second %d: %w", i+1, err)
		}
	}
	return nil
}

func (c Counts) check() error {
	const most = 1 << 53 // exact as a floating-point number
	for _, n := range []int64{c.Due, c.Sent, c.Failed, c.Unsent, c.Answered, c.Wrong, c.Refused, c.Lost, c.Pending, c.Received} {
		if n < 0 || n > most {
			return fmt.Errorf("a count of %d is impossible", n)
		}
	}
	return nil
}

// decode is Histogram for a distribution that a stranger wrote: one line of it could ask for gigabytes. Only histograms cut as a run's own are taken,
// and they are kept sparse.
func (d *Distribution) decode() (*hdr.PackedHistogram, error) {
	if d.Count < 0 || d.Censored < 0 || d.CensoredAt < 0 {
		return nil, errors.New("a distribution has negative counts")
	}
	if d.HDR == "" {
		return nil, ErrNoSamples
	}
	if err := checkGeometry(d.HDR); err != nil {
		return nil, fmt.Errorf("the histogram of a distribution: %w", err)
	}
	h, err := hdr.DecodePacked([]byte(d.HDR))
	if err != nil {
		return nil, fmt.Errorf("the histogram of a distribution: %w", err)
	}
	return h, nil
}

// checkGeometry looks at the header of an encoded histogram: a cookie and a length in the open, then, compressed, cookie, length, offset, digits, lowest
// and highest value, all big-endian (HdrHistogram, V2).
func checkGeometry(text string) error {
	encoded := base64.NewDecoder(base64.StdEncoding, bytes.NewReader([]byte(text)))
	if _, err := io.CopyN(io.Discard, encoded, 8); err != nil {
		return err
	}
	z, err := zlib.NewReader(encoded)
	if err != nil {
		return err
	}
	var header struct {
		Cookie, Length, Offset, Digits int32
		Lowest, Highest                int64
	}
	if err := binary.Read(z, binary.BigEndian, &header); err != nil {
		return err
	}
	if header.Digits != digits || header.Lowest != lowestNS || header.Highest <= header.Lowest || header.Highest > 1<<42 {
		return fmt.Errorf("%d to %d with %d digits is none of a run", header.Lowest, header.Highest, header.Digits)
	}
	return nil
}
