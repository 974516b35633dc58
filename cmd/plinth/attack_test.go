package main

import "testing"

func testStrangers(t *testing.T, h *running) {}
func testAttacks(t *testing.T, h *running)   {}
