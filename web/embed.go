// Package web holds the console's sources and embeds what `make web` builds of them.
package web

import "embed"

// Dist is the built console under "dist"; it holds a bare .gitkeep until `make web` has run.
//
//go:embed all:dist
var Dist embed.FS
