package main

func (b *bench) file() error { return nil }
