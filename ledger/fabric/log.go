package fabric

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/hyperledger/fabric-sdk-go/pkg/core/logging/api"
)

// sdkLog takes the SDK's log. All of it goes to level debug, warnings and errors too: what matters comes back as an
// error and is logged where it is handled, and some of its warnings are everyday.
type sdkLog struct{ log *slog.Logger }

// GetLogger returns the logger of one of the SDK's modules.
func (s *sdkLog) GetLogger(module string) api.Logger {
	return moduleLog{s.log.With("module", module)}
}

type moduleLog struct{ log *slog.Logger }

func (m moduleLog) put(level, text string) {
	m.log.LogAttrs(context.Background(), slog.LevelDebug, "fabric sdk",
		slog.String("sdk_level", level), slog.String("text", text))
}

func (m moduleLog) enabled() bool { return m.log.Enabled(context.Background(), slog.LevelDebug) }

func (m moduleLog) say(level string, v []any) {
	if m.enabled() {
		m.put(level, fmt.Sprint(v...))
	}
}

func (m moduleLog) sayf(level, format string, v []any) {
	if m.enabled() {
		m.put(level, fmt.Sprintf(format, v...))
	}
}

func (m moduleLog) Debug(v ...any)                 { m.say("debug", v) }
func (m moduleLog) Debugf(format string, v ...any) { m.sayf("debug", format, v) }
func (m moduleLog) Debugln(v ...any)               { m.say("debug", v) }
func (m moduleLog) Info(v ...any)                  { m.say("info", v) }
func (m moduleLog) Infof(format string, v ...any)  { m.sayf("info", format, v) }
func (m moduleLog) Infoln(v ...any)                { m.say("info", v) }
func (m moduleLog) Print(v ...any)                 { m.say("info", v) }
func (m moduleLog) Printf(format string, v ...any) { m.sayf("info", format, v) }
func (m moduleLog) Println(v ...any)               { m.say("info", v) }
func (m moduleLog) Warn(v ...any)                  { m.say("warn", v) }
func (m moduleLog) Warnf(format string, v ...any)  { m.sayf("warn", format, v) }
func (m moduleLog) Warnln(v ...any)                { m.say("warn", v) }
func (m moduleLog) Error(v ...any)                 { m.say("error", v) }
func (m moduleLog) Errorf(format string, v ...any) { m.sayf("error", format, v) }
func (m moduleLog) Errorln(v ...any)               { m.say("error", v) }

// Fatal and Panic do not return, as the SDK expects; ending the process is not a library's business, so both panic.
func (m moduleLog) Fatal(v ...any)                 { panic(fmt.Sprint(v...)) }
func (m moduleLog) Fatalf(format string, v ...any) { panic(fmt.Sprintf(format, v...)) }
func (m moduleLog) Fatalln(v ...any)               { panic(fmt.Sprint(v...)) }
func (m moduleLog) Panic(v ...any)                 { panic(fmt.Sprint(v...)) }
func (m moduleLog) Panicf(format string, v ...any) { panic(fmt.Sprintf(format, v...)) }
func (m moduleLog) Panicln(v ...any)               { panic(fmt.Sprint(v...)) }
