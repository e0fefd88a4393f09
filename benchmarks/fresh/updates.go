package main

func (b *bench) updates() error { return nil }
