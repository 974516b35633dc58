package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// eraseCmd asks a running service to destroy a subject's key.
type eraseCmd struct {
	Subject string `required:"" help:"As records name it, e.g. account:ac_1 or device:wq-7."`
	Reason  string `required:"" help:"Why; it is recorded."`
	URL     string `name:"url" help:"The running service." default:"http://127.0.0.1:8640"`
	tokenFlag
}

// Run erases and prints the id of the record that tells of it.
func (cmd *eraseCmd) Run(ctx context.Context, c *Config) error {
	r, err := dialRemote(ctx, cmd.URL, cmd.TokenFile, c.Data)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"subject": cmd.Subject, "reason": cmd.Reason})
	if err != nil {
		return err
	}
	resp, err := r.post(ctx, "/v1/evidence/subjects:erase", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var out struct{ RecordID string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&out); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	fmt.Fprintln(os.Stdout, out.RecordID)
	return nil
}
