//go:build amd64 && !purego

#include "textflag.h"

// The two narrow forms do this to a vector of bytes: add 0x80-first, so that the 26 letters become the 26 smallest signed numbers (x86 compares bytes only as
// signed); a compare with the 27th makes a mask of them; the mask's bit 0x20 flips the letters' case.
//
// A length that is no multiple of the vector needs no loop of bytes: the last vector of the slice is read before the loop changes a part of it, and
// written when the loop has reached or passed its beginning. What both cover gets the same value twice.

// FLIP_SSE2 needs the bias in X0, the limit in X1, the bit in X2. It changes x, with t and X1's copy u as scratch.
#define FLIP_SSE2(x, t, u) \
	MOVOU   x, t  \
	PADDB   X0, t \
	MOVOU   X1, u \
	PCMPGTB t, u  \
	PAND    X2, u \
	PXOR    u, x

// func flipSSE2(p []byte, first byte)
TEXT ·flipSSE2(SB), NOSPLIT, $0-25
	MOVQ    p_base+0(FP), SI
	MOVQ    p_len+8(FP), CX
	MOVBLZX first+24(FP), AX
	MOVL    $0x80, DX
	SUBL    AX, DX
	MOVQ    $0x0101010101010101, BX // a byte in each of eight lanes
	IMULQ   BX, DX
	MOVQ    DX, X0
	PUNPCKLQDQ X0, X0               // bias: 0x80 - first
	MOVQ    $0x9a9a9a9a9a9a9a9a, DX
	MOVQ    DX, X1
	PUNPCKLQDQ X1, X1               // limit: -128 + 26
	MOVQ    $0x2020202020202020, DX
	MOVQ    DX, X2
	PUNPCKLQDQ X2, X2               // bit
	LEAQ    -16(SI)(CX*1), DI       // the last vector
	MOVOU   (DI), X3
	FLIP_SSE2(X3, X4, X5)
	JMP     check

loop:
	MOVOU   (SI), X6
	FLIP_SSE2(X6, X4, X5)
	MOVOU   X6, (SI)
	ADDQ    $16, SI

check:
	CMPQ    SI, DI
	JB      loop
	MOVOU   X3, (DI)
	RET

// FLIP_AVX2 needs the bias in Y0, the limit in Y1, the bit in Y2. It changes y, with t as scratch.
#define FLIP_AVX2(y, t) \
	VPADDB   Y0, y, t \
	VPCMPGTB t, Y1, t \
	VPAND    Y2, t, t \
	VPXOR    t, y, y

// func flipAVX2(p []byte, first byte)
TEXT ·flipAVX2(SB), NOSPLIT, $0-25
	MOVQ    p_base+0(FP), SI
	MOVQ    p_len+8(FP), CX
	MOVBLZX first+24(FP), AX
	MOVL    $0x80, DX
	SUBL    AX, DX
	MOVQ    DX, X0
	VPBROADCASTB X0, Y0             // bias: 0x80 - first
	MOVL    $0x9a, DX
	MOVQ    DX, X1
	VPBROADCASTB X1, Y1             // limit: -128 + 26
	MOVL    $0x20, DX
	MOVQ    DX, X2
	VPBROADCASTB X2, Y2             // bit
	LEAQ    -32(SI)(CX*1), DI       // the last vector
	VMOVDQU (DI), Y3
	FLIP_AVX2(Y3, Y4)
	JMP     check

loop:
	VMOVDQU (SI), Y5
	FLIP_AVX2(Y5, Y4)
	VMOVDQU Y5, (SI)
	ADDQ    $32, SI

check:
	CMPQ    SI, DI
	JB      loop
	VMOVDQU Y3, (DI)
	VZEROUPPER
	RET

// FLIP_AVX512 needs the first letter in Z0, the number of letters in Z1, and in Z2 what turns one case into the other. It changes z, with t and K1 as
// scratch: what is less than 26 beyond the first letter, compared as unsigned, is a letter.
#define FLIP_AVX512(z, t) \
	VPSUBB  Z0, z, t         \
	VPCMPUB $1, Z1, t, K1    \
	VPADDB  Z2, z, K1, z

// func flipAVX512(p []byte, first byte)
TEXT ·flipAVX512(SB), NOSPLIT, $0-25
	MOVQ    p_base+0(FP), SI
	MOVQ    p_len+8(FP), CX
	MOVBLZX first+24(FP), AX
	VPBROADCASTB AX, Z0             // first
	MOVL    $26, DX
	VPBROADCASTB DX, Z1             // letters
	ANDL    $0x20, AX               // set in small letters
	ADDL    AX, AX
	MOVL    $0x20, DX
	SUBL    AX, DX
	VPBROADCASTB DX, Z2             // 0x20, or -0x20 from small letters
	LEAQ    -64(SI)(CX*1), DI       // the last vector
	VMOVDQU8 (DI), Z3
	FLIP_AVX512(Z3, Z4)
	JMP     check

loop:
	VMOVDQU8 (SI), Z5
	FLIP_AVX512(Z5, Z4)
	VMOVDQU8 Z5, (SI)
	ADDQ    $64, SI

check:
	CMPQ    SI, DI
	JB      loop
	VMOVDQU8 Z3, (DI)
	VZEROUPPER
	RET
