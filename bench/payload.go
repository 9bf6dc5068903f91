package bench

// Payload says what requests carry. [ParseSizes] and [ParseTemplate] make one; the zero Payload is DefaultSize bytes.
type Payload struct {
	Sizes    []Share  // sizes, each with its share; filled with text and a token by which the answer is known
	Template string   // instead: text in which {token}, {seq}, {flow} are filled in
	Records  [][]byte // instead: payloads to be sent in turn, as they are
	Source   string   // how it was written, or the name of the file
}

// Share is a size and how often it comes, of the sum of all weights.
type Share struct {
	Bytes  int
	Weight float64
}
