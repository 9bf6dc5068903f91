package watchscreen

import (
	"strings"

	"dgram/internal/terminal"
)

const helpText = `
Moving
  ↑ ↓  j k          a packet up, down
  PgUp PgDn         a page up, down
  g G               the first packet; the last, and on with what comes
  n N               the next, the previous packet in trouble (below, from + on)
  o                 the other half of a pair: a request's answer, and back
Looking into a packet
  Enter →           its layers and bytes; ← or Esc closes them
  Tab               on to the layers, the bytes, the table
  ↑ ↓ in the layers choose a field: its bytes are lit; Enter unfolds a layer
Choosing packets
  /                 a filter, applied as you type: Enter keeps it, Esc undoes
  f                 only the flow of this packet, both ways; f again: all
  Esc               takes away flow, then filter
Time
  p Space           stop the table, and go on; packets are recorded meanwhile
  c                 time since the first packet, since the row above, of day
And
  s                 save the packets shown to a pcapng file
  ?                 this help
  q                 quit; the summary follows

@
What stands before a number
@marks

Filters are tcpdump's
  port 53           host 192.0.2.1          udp and not port 5353
  src net 10/8      portrange 5000-5100     udp[8:2] = 0x1234
  icmp              greater 1000            vlan 7
`

// helpLines are the help, marks and all: its two halves below each other, or beside each other where there is room.
func helpLines(width int) []string {
	var signs []string
	for m := MarkOneWay; m < marks; m++ {
		t := markTable[m]
		signs = append(signs, "  "+m.style().of(t.sign)+"  "+fit(t.name, 13)+t.meaning)
	}
	text := strings.Replace(strings.Trim(helpText, "\n"), "@marks", strings.Join(signs, "\n"), 1)
	first, second, _ := strings.Cut(text, "@\n")
	left, right := headings(strings.Split(first, "\n")), headings(strings.Split(second, "\n"))
	if width < helpHalf+64 {
		return append(left, right...)
	}
	left = fill(left, len(right))
	for i := range left {
		if left[i] = left[i] + blanks(helpHalf-terminal.WidthStyled(left[i])); i < len(right) {
			left[i] += right[i]
		}
	}
	return left
}

// helpHalf is how wide one half of the help is at most.
const helpHalf = 82

func headings(lines []string) []string {
	for i, line := range lines {
		if line != "" && line[0] != ' ' {
			lines[i] = heading.of(line)
		}
	}
	return lines
}

// help draws the help over the whole screen.
func (m *model) help() []string {
	all := helpLines(m.width)
	rows := max(m.height-1, 1)
	m.helpTop = max(min(m.helpTop, len(all)-rows), 0)
	var lines []string
	for _, line := range all[m.helpTop:min(m.helpTop+rows, len(all))] {
		lines = append(lines, terminal.CutStyled(line, m.width))
	}
	lines = fill(lines, rows)
	foot := " any other key goes back"
	if len(all) > rows {
		foot = " ↑ ↓ more ·" + foot
	}
	return append(lines, bar.of(fit(foot, m.width)))[:m.height]
}

func (m *model) helpKey(key string) {
	page := max(m.height-2, 1)
	switch key {
	case "up", "k":
		m.helpTop--
	case "down", "j":
		m.helpTop++
	case "pgup", "b":
		m.helpTop -= page
	case "pgdown", "space":
		m.helpTop += page
	case "g", "home":
		m.helpTop = 0
	case "G", "end":
		m.helpTop = 1 << 20
	default:
		m.mode = modeTable
	}
	m.helpTop = max(m.helpTop, 0)
}
