package filter

// A Filter is a filter that was read. It can be used by several goroutines at once.
type Filter struct {
	root  node
	plain bool // Decided may look at packets
}

// Parse reads a filter. Names of hosts are refused; a Config looks them up. An empty filter matches everything. Errors are of
// type *SyntaxError.
func Parse(expr string) (*Filter, error) { return Config{}.Parse(expr) }

// Parse reads a filter and looks names up as c says.
func (c Config) Parse(expr string) (*Filter, error) {
	all, err := tokens(expr)
	if err != nil {
		return nil, err
	}
	p := parser{config: c, expr: expr, tokens: all}
	root, err := p.filter()
	if err != nil {
		return nil, err
	}
	return &Filter{root: root, plain: plain(root)}, nil
}

// All says that the filter matches every packet because it is empty.
func (f *Filter) All() bool {
	_, all := f.root.(allNode)
	return all
}

// String is the filter in its plainest words: names are numbers, and every qualifier is written out. Parse makes the same of it.
func (f *Filter) String() string {
	var b printer
	f.root.write(&b)
	return b.String()
}
