package wire

// A Field is one line of what a frame says: a header at depth 0, its fields below it.
type Field struct {
	Depth int
	// Name is Wireshark's where that helps who knows it. Value may hold bytes of the network as they came: escape it before it
	// goes to a terminal.
	Name, Value string
	// Off and Len say which bytes of the frame it was read from. What was found out otherwise has Len 0.
	Off, Len int
}
