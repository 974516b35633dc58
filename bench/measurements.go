package main

import "context"

// measurements are made in this order; the whole house comes last, since it takes the longest.
var measurements = []struct {
	what    string
	measure func(context.Context) ([]Result, error)
}{
	{"start and memory of the whole house", measureHouse},
}
