package district

import (
	"math/rand/v2"
)

// mix folds values into one well-spread number (splitmix64's finaliser after each word), the root of all randomness.
func mix(words ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, w := range words {
		h += w + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// word makes a number of a text (FNV-1a), to mix.
func word(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// dice returns a random source that depends on the words alone.
func dice(words ...uint64) *rand.Rand {
	return rand.New(rand.NewPCG(mix(words...), 0x706c696e7468))
}

// unit makes a number in [0, 1) of a hash.
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// bell makes a roughly normal number, mean 0 and deviation 1, of a hash.
func bell(h uint64) float64 {
	return (unit(h) + unit(mix(h, 1)) + unit(mix(h, 2)) - 1.5) * 2
}

// wander is smooth noise around 0 with deviation near 1: random heights every step ticks, joined by a cosine-like curve.
func wander(seed uint64, tick, step int64) float64 {
	i := tick / step
	f := float64(tick%step) / float64(step)
	f = f * f * (3 - 2*f)
	a, b := bell(mix(seed, uint64(i))), bell(mix(seed, uint64(i+1)))
	return a + (b-a)*f
}

// pick returns one of the values.
func pick[T any](r *rand.Rand, values []T) T { return values[r.IntN(len(values))] }

// chance is true with probability p.
func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }
