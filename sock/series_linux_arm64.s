#include "textflag.h"

// func makeCalls(calls *sysCall, n int, untilMiss bool) (made int, end uint64)
//
// The kernel changes R0 (syscall(2), "Architecture calling conventions").
TEXT ·makeCalls(SB), NOSPLIT, $0-40
	MOVD calls+0(FP), R19
	MOVD n+8(FP), R20
	MOVD ZR, R21 // a failure ends it

next:
	MRS CNTVCT_EL0, R0
	MOVD R0, 48(R19)
	MOVD 0(R19), R8
	MOVD 8(R19), R0
	MOVD 16(R19), R1
	MOVD 24(R19), R2
	MOVD 32(R19), R3
	MOVD ZR, R4
	MOVD ZR, R5
	SVC
	MOVD R0, 40(R19)
	ADD $64, R19
	SUB $1, R20
	CBZ R20, done
	CMN $4095, R0
	BCC hit
	CBZ R21, next
	B done

hit:
	MOVBU untilMiss+16(FP), R21
	B next

done:
	MRS CNTVCT_EL0, R0
	MOVD R0, end+32(FP)
	MOVD n+8(FP), R0
	SUB R20, R0
	MOVD R0, made+24(FP)
	RET

// func Ticks() uint64
TEXT ·Ticks(SB), NOSPLIT, $0-8
	MRS CNTVCT_EL0, R0
	MOVD R0, ret+0(FP)
	RET
