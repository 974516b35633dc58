package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"plinth/internal/district"
)

// simulateCmd plays the simulated district: as NDJSON to a file or standard output, or into a running service.
type simulateCmd struct {
	Seed    uint64    `help:"The same seed says the same." default:"1"`
	Devices int       `help:"How many devices, 5 to 100000." default:"200"`
	Start   time.Time `help:"When it begins, RFC 3339; midnight of today in Shanghai when not given."`
	Hours   float64   `help:"How much simulated time to play." default:"24"`
	Rate    float64   `help:"Speed of simulated time: 1 is live, 60 a minute a second, 0 as fast as it is taken." default:"0"`
	Only    string    `help:"readings, events or all." enum:"all,readings,events" default:"all"`
	Out     string    `help:"File for NDJSON; - is standard output." default:"-" type:"path"`
	URL     string    `name:"url" help:"Feed the service that runs there instead, e.g. http://127.0.0.1:8640."`
	tokenFlag
}

// Run plays the district.
func (cmd *simulateCmd) Run(ctx context.Context, c *Config) error {
	if err := cmd.check(); err != nil {
		return err
	}
	d := district.New(district.Config{Seed: cmd.Seed, Devices: cmd.Devices, Start: cmd.start(time.Now())})
	to := d.Config().Start.Add(time.Duration(cmd.Hours * float64(time.Hour)))
	if cmd.URL != "" {
		return cmd.feed(ctx, c, d, to)
	}
	return cmd.write(ctx, d, to)
}

// feed plays the district into a running service.
func (cmd *simulateCmd) feed(ctx context.Context, c *Config, d *district.District, to time.Time) error {
	r, err := dialRemote(ctx, cmd.URL, cmd.TokenFile, c.Data)
	if err != nil {
		return err
	}
	f := &remoteFeed{remote: r, flushed: time.Now()}
	if cmd.Only != "events" {
		if err := f.register(ctx, d.Devices()); err != nil {
			return err
		}
	}
	if err := d.Feed(ctx, cmd.sinks(f, f), to, cmd.Rate); err != nil {
		return fmt.Errorf("play the district: %w", err)
	}
	if err := f.flush(ctx); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "fed %d readings and %d events\n", f.readings, f.events)
	return nil
}

// check reports all faults of the flags at once.
func (cmd *simulateCmd) check() error {
	var faults []error
	if cmd.Devices < 5 || cmd.Devices > 100_000 {
		faults = append(faults, fmt.Errorf("--devices: must be 5 to 100000, is %d", cmd.Devices))
	}
	if !(cmd.Hours > 0 && cmd.Hours <= 24*366) {
		faults = append(faults, fmt.Errorf("--hours: must be above 0 and at most a year, is %v", cmd.Hours))
	}
	if !(cmd.Rate >= 0) || math.IsInf(cmd.Rate, 1) {
		faults = append(faults, fmt.Errorf("--rate: must be 0 or a speed, is %v", cmd.Rate))
	}
	return errors.Join(faults...)
}

func (cmd *simulateCmd) start(now time.Time) time.Time {
	if !cmd.Start.IsZero() {
		return cmd.Start
	}
	y, m, day := now.In(district.Shanghai).Date()
	return time.Date(y, m, day, 0, 0, 0, 0, district.Shanghai)
}

func (cmd *simulateCmd) write(ctx context.Context, d *district.District, to time.Time) (err error) {
	var out io.Writer = os.Stdout
	if cmd.Out != "-" {
		f, err := os.Create(cmd.Out)
		if err != nil {
			return fmt.Errorf("open the output: %w", err)
		}
		defer func() {
			if e := f.Close(); err == nil {
				err = e
			}
		}()
		out = f
	}
	w := &lineWriter{w: bufio.NewWriterSize(out, 1<<16)}
	if err := d.Feed(ctx, cmd.sinks(w, w), to, cmd.Rate); err != nil {
		return fmt.Errorf("play the district: %w", err)
	}
	return w.w.Flush()
}

// sinks leaves out what --only does not ask for.
func (cmd *simulateCmd) sinks(r district.Readings, e district.EventSink) district.Sinks {
	s := district.Sinks{Readings: r, Events: e}
	if cmd.Only == "events" {
		s.Readings = nil
	}
	if cmd.Only == "readings" {
		s.Events = nil
	}
	return s
}

// lineWriter writes messages as NDJSON. Only the feed's goroutine uses it.
type lineWriter struct{ w *bufio.Writer }

func (l *lineWriter) Send(_ context.Context, r district.Reading) error {
	return l.line(district.Message{At: r.At, Reading: &r})
}

func (l *lineWriter) Put(_ context.Context, events []district.Event) error {
	for _, e := range events {
		if err := l.line(district.Message{At: e.At, Event: &e}); err != nil {
			return err
		}
	}
	return nil
}

func (l *lineWriter) line(m district.Message) error {
	_, err := l.w.Write(append(m.Line(), '\n'))
	return err
}
