package embedded

import (
	"strconv"

	"plinth/internal/clickhouse"
)

// identity is who signed in: the service, or the reader of one scope.
type identity struct {
	user  string
	role  string
	scope string // "" for the service
}

func (i identity) reader() bool { return i.scope != "" }

var service = identity{user: clickhouse.ServiceUser, role: serviceRole}

// readerLimits are the most a reader's statement may use; a request may ask for less, never for more.
func readerLimits(memory int64) map[string]int64 {
	return map[string]int64{
		"max_execution_time": 60,
		"max_memory_usage":   memory / 2,
		"max_threads":        4,
		"max_result_rows":    10_000_000,
		"max_result_bytes":   256 << 20,
		"max_rows_to_read":   2_000_000_000,
		"max_block_size":     65_409,
	}
}

// readerFree are settings that change only how the answer looks or reads.
var readerFree = map[string]bool{"result_overflow_mode": true, "timeout_overflow_mode": true, "extremes": true,
	"session_timezone": true, "date_time_output_format": true, "output_format_json_quote_64bit_integers": true,
	"output_format_json_quote_denormals": true, "join_use_nulls": true, "http_write_exception_in_output_format": true}

// readerSettings checks a reader's own settings and puts readonly last, after which the session changes no more.
func readerSettings(asked []setting, memory int64) ([]setting, error) {
	limits := readerLimits(memory)
	for _, s := range asked {
		most, limited := limits[s.name]
		switch n, err := strconv.ParseFloat(s.value, 64); {
		case limited && err == nil && n > 0 && n < float64(most):
			limits[s.name] = max(1, int64(n))
		case limited && err == nil: // a limit above ours, or none: ours holds
		case limited:
			return nil, exceptionf(72, "CANNOT_PARSE_NUMBER", "the setting %s is not a number", s.name)
		case !readerFree[s.name]:
			return nil, exceptionf(452, "SETTING_CONSTRAINT_VIOLATION", "a reader of a scope may not change the setting %s", s.name)
		}
	}
	var out []setting
	for _, s := range asked {
		if readerFree[s.name] {
			out = append(out, s)
		}
	}
	for _, name := range []string{"max_execution_time", "max_memory_usage", "max_threads", "max_result_rows", "max_result_bytes", "max_rows_to_read", "max_block_size"} {
		out = append(out, setting{name, strconv.FormatInt(limits[name], 10)})
	}
	return append(out, setting{"readonly", "1"}), nil
}

// serviceSettings bounds the service's own statements below the whole engine's memory, so that one of them fails alone.
func serviceSettings(asked []setting, memory int64) []setting {
	return append([]setting{{"max_memory_usage", strconv.FormatInt(memory/4*3, 10)}}, asked...)
}
