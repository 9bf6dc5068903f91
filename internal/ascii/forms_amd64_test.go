//go:build amd64 && !purego

package ascii

func vectorForms() []form {
	forms := []form{{"sse2", flipSSE2, 16}}
	if avx2 {
		forms = append(forms, form{"avx2", flipAVX2, 32})
	}
	if avx512 {
		forms = append(forms, form{"avx512", flipAVX512, 64})
	}
	return forms
}
