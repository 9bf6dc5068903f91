package stage

// Table is every stage that a spec can name, in the order in which help shows them. To add one: its file, and its line here. Programs
// add their own before they parse anything.
var Table []Spec

// An init function fills the table, because a rule's reply may name a stage, and a plain initialiser would therefore go round in a circle.
func init() {
	Table = []Spec{
		upperSpec,
		lowerSpec,
		echoSpec,
		reverseSpec,
		hexSpec,
		prefixSpec,
		replySpec,
		ruleSpec,
		rulesSpec,
		execSpec,
		lossSpec,
		delaySpec,
		duplicateSpec,
	}
}
