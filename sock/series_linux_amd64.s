#include "textflag.h"

// func makeCalls(calls *sysCall, n int, untilMiss bool) (made int, end uint64)
//
// The kernel changes AX, CX and R11 (syscall(2), "Architecture calling conventions").
TEXT ·makeCalls(SB), NOSPLIT, $0-40
	MOVQ calls+0(FP), R12
	MOVQ n+8(FP), R13
	XORL BX, BX // a failure ends it

next:
	RDTSC
	SHLQ $32, DX
	ORQ DX, AX
	MOVQ AX, 48(R12)
	MOVQ 0(R12), AX
	MOVQ 8(R12), DI
	MOVQ 16(R12), SI
	MOVQ 24(R12), DX
	MOVQ 32(R12), R10
	XORL R8, R8
	XORL R9, R9
	SYSCALL
	MOVQ AX, 40(R12)
	ADDQ $64, R12
	DECQ R13
	JZ done
	CMPQ AX, $-4095
	JCS hit
	TESTL BX, BX
	JZ next
	JMP done

hit:
	MOVBLZX untilMiss+16(FP), BX
	JMP next

done:
	RDTSC
	SHLQ $32, DX
	ORQ DX, AX
	MOVQ AX, end+32(FP)
	MOVQ n+8(FP), AX
	SUBQ R13, AX
	MOVQ AX, made+24(FP)
	RET

// func Ticks() uint64
TEXT ·Ticks(SB), NOSPLIT, $0-8
	RDTSC
	SHLQ $32, DX
	ORQ DX, AX
	MOVQ AX, ret+0(FP)
	RET
