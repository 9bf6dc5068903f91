// Package explain tells a person what a program asks of the kernel: each call on a socket as strace(1) writes it ([Line]), and what it does and
// why, in English or Chinese ([Explainer]). A [Teller] listens to package sock and hands both on without holding anything up.
//
// What is said stands in tables, English and Chinese side by side (words*.go). To explain one more option is one line there.
package explain
