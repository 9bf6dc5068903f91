//go:build (!amd64 && !arm64) || purego

package ascii

func vectorForms() []form { return nil }
