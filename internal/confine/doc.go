// Package confine takes from the running process what it no longer needs once its sockets are open: the rights of root,
// files that are none of its business (landlock(7)), and system calls that no server makes (seccomp(2)). All of it holds for
// every thread, those that exist and those to come, and for every program that is started afterwards.
//
// [LookUser] reads a user's name before anything is opened; [Apply] is called once, last of all.
package confine
