package filter

import "slices"

// relations are the comparisons; == is another way to write =.
var relations = []string{"=", "==", "!=", "<", ">", "<=", ">="}

// binding is how tightly an operator binds: as in C. tcpdump forgot to give % and ^ a place, so they stand alone (see plain).
var binding = map[string]int{"|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}

// relation reads a comparison of two values, if one stands here. Only behind the value can be seen whether "(" or a number began one.
func (p *parser) relation() (node, bool, error) {
	if !p.startsValue() {
		return nil, false, nil
	}
	start, depth, first := p.at, p.depth, p.token()
	certain := first.kind == wordToken || first.is("-") || first.kind == numberToken && binding[p.tokens[p.at+1].text] > 0
	left, err := p.value()
	op := p.token()
	if err == nil && (op.kind != signToken || !slices.Contains(relations, op.text)) {
		err = p.unexpected(op, "a comparison (= != < > <= >=)")
	}
	if err != nil {
		if certain {
			return nil, false, err
		}
		p.at, p.depth = start, depth
		return nil, false, nil
	}
	p.at++
	right, err := p.value()
	if err != nil {
		return nil, false, err
	}
	if op.text == "==" {
		op.text = "="
	}
	return &relation{op.text, left, right}, true, nil
}

// startsValue says whether what stands here can be a value.
func (p *parser) startsValue() bool {
	t := p.token()
	if t.kind == numberToken || t.is("(", "-", "len", "length") {
		return true
	}
	if t.kind != wordToken {
		return false
	}
	if _, isNumber := numberWords[t.text]; isNumber {
		return true
	}
	_, isProtocol := protocolWords[t.text]
	return isProtocol && p.tokens[p.at+1].is("[")
}

// value reads operands and the operators between them.
func (p *parser) value() (value, error) {
	negated := p.token().is("-")
	v, err := p.operand()
	if err != nil {
		return nil, err
	}
	values, operators := []value{v}, []token(nil)
	reduce := func() error {
		n, op := len(values), operators[len(operators)-1]
		v, err := p.join(op, values[n-2], values[n-1])
		values, operators = append(values[:n-2], v), operators[:len(operators)-1]
		return err
	}
	alone, count := "", 0
	for p.token().kind == signToken && binding[p.token().text] > 0 {
		op := p.next()
		if count++; op.text == "%" || op.text == "^" {
			alone = op.text
		}
		negated = negated || p.token().is("-")
		if alone != "" && (count > 1 || negated) {
			return nil, p.mistake(op, "write parentheses", "%s stands beside another operator, and tcpdump has no order for the two that anybody expects", alone)
		}
		for len(operators) > 0 && binding[operators[len(operators)-1].text] >= binding[op.text] {
			if err := reduce(); err != nil {
				return nil, err
			}
		}
		if v, err = p.operand(); err != nil {
			return nil, err
		}
		values, operators = append(values, v), append(operators, op)
	}
	for len(operators) > 0 {
		if err := reduce(); err != nil {
			return nil, err
		}
	}
	return values[0], nil
}

func (p *parser) operand() (value, error) {
	t := p.next()
	if err := p.deeper(t); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	of, isProtocol := protocolWords[t.text]
	n, isNumber := numberWords[t.text]
	switch {
	case t.kind == numberToken:
		return number(t.num), nil
	case t.is("len", "length"):
		return length{}, nil
	case t.is("-"):
		v, err := p.operand()
		if n, ok := v.(number); ok {
			return -n, err
		}
		return &negative{v}, err
	case t.is("("):
		v, err := p.value()
		if err == nil && !p.accept(")") {
			err = p.unexpected(p.token(), "a closing parenthesis")
		}
		return v, err
	case t.kind == wordToken && isNumber:
		return number(n), nil
	case t.kind == wordToken && isProtocol && p.token().is("["):
		return p.bytes(of, t)
	}
	return nil, p.unexpected(t, "a value")
}

// farthest is an offset that no packet reaches.
const farthest = 1 << 16

// bytes reads what stands in brackets behind a protocol.
func (p *parser) bytes(of proto, t token) (value, error) {
	p.next()
	if !protocols[of].indexed {
		return nil, p.mistake(t, "", "bytes of %s are not read", t.text)
	}
	from := p.token()
	index, err := p.value()
	if err != nil {
		return nil, err
	}
	if n, constant := index.(number); constant && n >= farthest {
		return nil, p.mistake(from, "", "no packet has a byte %d", uint32(n))
	}
	v := bytesOf{of: of, index: index, size: 1}
	if p.accept(":") {
		size := p.next()
		if size.kind != numberToken || size.num != 1 && size.num != 2 && size.num != 4 {
			return nil, p.mistake(size, "", "1, 2 or 4 bytes can be read at once")
		}
		v.size = int(size.num)
	}
	if !p.accept("]") {
		return nil, p.unexpected(p.token(), "]")
	}
	return &v, nil
}

// join makes one value of two. What is known already is calculated at once.
func (p *parser) join(op token, left, right value) (value, error) {
	b, known := right.(number)
	switch {
	case known && b == 0 && (op.text == "/" || op.text == "%"):
		return nil, p.mistake(op, "", "nothing can be divided by 0")
	case known && b > 31 && (op.text == "<<" || op.text == ">>"):
		return nil, p.mistake(op, "", "a value has 32 bits, so it can be shifted by 31 at most")
	}
	if a, both := left.(number); both && known {
		n, _ := calculate(op.text, uint32(a), uint32(b))
		return number(n), nil
	}
	return &arithmetic{op.text, left, right, wordsFor(left, right)}, nil
}

// calculate does what an operator does to 32 bits without a sign. False: the divisor is 0.
func calculate(op string, a, b uint32) (uint32, bool) {
	switch op {
	case "+":
		return a + b, true
	case "-":
		return a - b, true
	case "*":
		return a * b, true
	case "&":
		return a & b, true
	case "|":
		return a | b, true
	case "^":
		return a ^ b, true
	case "<<":
		return a << b, true
	case ">>":
		return a >> b, true
	}
	switch {
	case b == 0:
		return 0, false
	case op == "/":
		return a / b, true
	}
	return a % b, true
}
