package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"

	"plinth/web"
)

// serveCmd runs the service against engines that run elsewhere.
type serveCmd struct{}

// Run serves until ctx ends.
func (serveCmd) Run(ctx context.Context, c *Config) error {
	if err := c.Check(false); err != nil {
		return err
	}
	log := c.Log.Logger()
	h, err := openHouse(ctx, *c, log)
	if err != nil {
		return err
	}
	defer h.close()
	if _, err := h.firstAccounts(ctx); err != nil {
		return err
	}
	l, err := listen(c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Plinth serves at http://%s\n", l.Addr())
	return h.run(ctx, l)
}

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w; choose another address with --listen", err)
	}
	return l, nil
}

// console returns the built console's files.
func console() fs.FS {
	dist, err := fs.Sub(web.Dist, "dist")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return dist
}
