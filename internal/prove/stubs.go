//go:build linux

package main

func proveUpgrade(p *proof)   {}
func provePrint(p *proof)     {}
func proveIsolation(p *proof) {}
func proveWeb(p *proof)       {}
