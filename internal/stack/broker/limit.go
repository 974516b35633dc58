package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// messages is the stream in which nats-server keeps the QoS 1 messages. It exists after the first MQTT connection.
const messages = "$MQTT_msgs"

// keepCap holds the messages' stream under maxBytes until ctx ends. Without a cap below the store's limit a full store
// would refuse the subscriber that could drain it; with it, publishers are refused and the subscriber drains.
func keepCap(ctx context.Context, s *server.Server, secret string, maxBytes int64, log *slog.Logger) error {
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.UserInfo(adminUser, secret), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("connect for administration: %w", err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	wait := 200 * time.Millisecond
	for {
		full, err := setCap(js, maxBytes)
		switch {
		case err == nil:
			wait = 30 * time.Second
		case !errors.Is(err, nats.ErrStreamNotFound):
			log.Warn("message cap not set", "err", err)
		}
		if full > 0.8 {
			log.Warn("message store fills up", "share", full)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// setCap sets the cap where it differs and returns how full the stream is, 0 to 1.
func setCap(js nats.JetStreamContext, maxBytes int64) (float64, error) {
	info, err := js.StreamInfo(messages)
	if err != nil {
		return 0, fmt.Errorf("look at %s: %w", messages, err)
	}
	full := float64(info.State.Bytes) / float64(maxBytes)
	c := info.Config
	if c.MaxBytes == maxBytes && c.Discard == nats.DiscardNew {
		return full, nil
	}
	c.MaxBytes, c.Discard = maxBytes, nats.DiscardNew
	if _, err := js.UpdateStream(&c); err != nil {
		return full, fmt.Errorf("cap %s: %w", messages, err)
	}
	return full, nil
}
