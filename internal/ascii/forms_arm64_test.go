//go:build arm64 && !purego

package ascii

func vectorForms() []form { return []form{{"neon", flipNEON, 16}} }
