//go:build linux

package main

func proveEndsLoops(p *proof) {}
func proveLimiter(p *proof)   {}
func proveUpgrade(p *proof)   {}
func provePrint(p *proof)     {}
func proveIsolation(p *proof) {}
func proveWeb(p *proof)       {}
