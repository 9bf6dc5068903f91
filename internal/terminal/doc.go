// Package terminal makes output fit for a person: text from the network that cannot harm a terminal ([Escape], [Excerpt]), its width in
// cells ([Width]), colours where they are wanted ([Colours]), and a [Writer] that outlives whoever was reading it.
package terminal
