package bench

import (
	"fmt"
	"html"
	"io"
	"strings"
)

// The page is put together by hand and not with html/template: that calls methods by name, for which the linker has to keep every exported method
// of the whole program, and 2.6 MB more of it would be in the memory of a server that has no report to write.

// fragment is a piece of HTML, in which everything that came from elsewhere is escaped.
type fragment string

// markup puts texts in the places (%s) of a piece of HTML, which are between tags, or between the double quotes of an attribute.
func markup(piece string, texts ...string) fragment {
	escaped := make([]any, len(texts))
	for i, text := range texts {
		escaped[i] = html.EscapeString(text)
	}
	return fragment(fmt.Sprintf(piece, escaped...))
}

// each joins what markup makes of each.
func each[T any](all []T, markup func(T) fragment) fragment {
	var b strings.Builder
	for _, one := range all {
		b.WriteString(string(markup(one)))
	}
	return fragment(b.String())
}

// fill writes page with a part in each place: {{name}}.
func fill(w io.Writer, page string, parts map[string]fragment) error {
	for found := true; found; {
		var before, name string
		before, page, found = strings.Cut(page, "{{")
		part := fragment("")
		if found {
			name, page, _ = strings.Cut(page, "}}")
			var known bool
			if part, known = parts[name]; !known {
				return fmt.Errorf("the page has a place for %q, and there is no such part", name)
			}
		}
		if _, err := io.WriteString(w, before+string(part)); err != nil {
			return err
		}
	}
	return nil
}

// bullets is a list between begin and end, or nothing.
func bullets(begin fragment, items []string, end fragment) fragment {
	if len(items) == 0 {
		return ""
	}
	return begin + each(items, func(item string) fragment { return markup("<li>%s</li>", item) }) + end
}

func verdictMarkup(r *Result) fragment {
	if r.Outcome == OutcomeValid {
		return markup(`<p class="verdict good"><span aria-hidden="true">✓</span> %s</p>`, verdictWords(r))
	}
	return markup(`<p class="verdict bad"><span aria-hidden="true">✗</span> %s</p>`, verdictWords(r))
}

func tileMarkup(t tile) fragment {
	return markup(`<div class="tile"><p class="name">%s</p><p class="value">%s</p><p class="note">%s</p></div>
`, t.Name, t.Value, t.Note)
}

func warmupMarkup(drawn bool) fragment {
	if !drawn {
		return ""
	}
	return `<p class="hint">The shaded seconds are the warm-up: they are in no figure of this page but these three charts.</p>`
}

func secondMarkup(s secondRow) fragment {
	return markup(`<tr><th scope="row">%s</th><td>%s</td><td class="n">%s</td><td class="n">%s</td><td class="n">%s</td><td class="n">%s</td><td class="n">%s</td><td class="n">%s</td></tr>
`, s.At, s.Phase, s.Sent, s.Answered, s.Lost, s.P50, s.P99, s.Max)
}

func omittedMarkup(r *Result) fragment {
	if omitted(r) == 0 {
		return ""
	}
	return markup(`<p class="hint">%s further seconds are not shown.</p>`, fmt.Sprint(omitted(r)))
}

func quantileMarkup(q quantileRow) fragment {
	return markup(`<tr><th scope="row">%s</th><td class="n">%s</td><td class="n dim">%s</td></tr>
`, q.Percent, q.Latency, q.Scheduling)
}

// account is the rows of a table that adds up to its row sum.
func account(rows []row, sum string) fragment {
	return each(rows, func(r row) fragment {
		begin := fragment("<tr>")
		if r.Name == sum {
			begin = `<tr class="sum">`
		}
		return begin + markup(`<th scope="row">%s</th><td class="n">%s</td><td class="dim">%s</td></tr>
`, r.Name, r.Value, r.Note)
	})
}

func failuresMarkup(all []Failure) fragment {
	if len(all) == 0 {
		return ""
	}
	return `<h3>Why sending failed</h3>
<table class="account"><tbody>` + each(all, func(f Failure) fragment {
		return markup(`<tr><th scope="row">%s</th><td class="n">%s</td><td class="dim">%s</td></tr>`, f.Errno, fmt.Sprint(f.Count), f.Text)
	}) + "</tbody></table>"
}

func pairMarkup(r row) fragment {
	note := fragment("")
	if r.Note != "" {
		note = markup(` <span class="dim">%s</span>`, r.Note)
	}
	return markup(`<tr><th scope="row">%s</th><td>%s`, r.Name, r.Value) + note + `</td></tr>
`
}
