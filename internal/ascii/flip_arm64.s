//go:build arm64 && !purego

#include "textflag.h"

// FLIP needs first in V0, 25 in V1, 0x20 in V2, each in every lane. Letters are the bytes whose distance from first is at most 25, that is, equal to
// the smaller of itself and 25; the bit 0x20 of that mask flips their case. It changes v, with t and u as scratch.
#define FLIP(v, t, u) \
	VSUB  V0.B16, v.B16, t.B16 \
	VUMIN V1.B16, t.B16, u.B16 \
	VCMEQ t.B16, u.B16, t.B16  \
	VAND  V2.B16, t.B16, t.B16 \
	VEOR  t.B16, v.B16, v.B16

// The last vector of the slice is read before the loop changes a part of it, and written when the loop has reached or passed its beginning: so no
// length needs a loop of bytes, and what both cover gets the same value twice.
//
// func flipNEON(p []byte, first byte)
TEXT ·flipNEON(SB), NOSPLIT, $0-25
	MOVD  p_base+0(FP), R0
	MOVD  p_len+8(FP), R1
	MOVBU first+24(FP), R2
	VDUP  R2, V0.B16
	VMOVI $25, V1.B16
	VMOVI $0x20, V2.B16
	ADD   R0, R1, R1
	SUB   $16, R1                 // the last vector
	VLD1  (R1), [V3.B16]
	FLIP(V3, V4, V5)
	B     check

loop:
	VLD1  (R0), [V6.B16]
	FLIP(V6, V4, V5)
	VST1.P [V6.B16], 16(R0)

check:
	CMP   R1, R0
	BLO   loop
	VST1  [V3.B16], (R1)
	RET
