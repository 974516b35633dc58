package clickhouse

import (
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// scanValues reads one row of any types as values that JSON can hold.
func scanValues(rows driver.Rows, types []driver.ColumnType) ([]any, error) {
	into := make([]any, len(types))
	for i, t := range types {
		into[i] = reflect.New(t.ScanType()).Interface()
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i := range into {
		into[i] = plain(reflect.ValueOf(into[i]).Elem())
	}
	return into, nil
}

// exact is the largest whole number that JSON readers keep exactly.
const exact = 1 << 53

// plain makes text, float64, bool, nil, []any or map[string]any of a driver's value. Whole numbers that JSON would not
// keep exactly become text, as do times, decimals and addresses.
func plain(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC().Format(time.RFC3339Nano)
	case []byte:
		return text(string(x))
	case fmt.Stringer:
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return nil
		}
		return x.String()
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return whole(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n := v.Uint(); n > exact {
			return strconv.FormatUint(n, 10)
		}
		return float64(v.Uint())
	case reflect.Float32, reflect.Float64:
		return float(v.Float())
	case reflect.String:
		return text(v.String())
	case reflect.Slice, reflect.Array:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = plain(v.Index(i))
		}
		return out
	case reflect.Map:
		out := make(map[string]any, v.Len())
		for it := v.MapRange(); it.Next(); {
			out[fmt.Sprint(plain(it.Key()))] = plain(it.Value())
		}
		return out
	}
	return text(fmt.Sprint(v.Interface()))
}

func whole(n int64) any {
	if n > exact || n < -exact {
		return strconv.FormatInt(n, 10)
	}
	return float64(n)
}

func float(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return f
}

// text keeps UTF-8 and writes other bytes in base64, since JSON holds text alone.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return "base64:" + base64.StdEncoding.EncodeToString([]byte(s))
}
