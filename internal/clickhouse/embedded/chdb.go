package embedded

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// chdb is libchdb's C interface as far as it is needed. A handle of C is an unsafe.Pointer here and never points into
// Go memory. A connection runs one statement at a time; callers keep that.
type chdb struct {
	setSignalHandlers func(on int32)
	version           func() string
	connect           func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	closeConn         func(that unsafe.Pointer)

	query       withParams
	streamQuery withParams
	fetch       func(conn, stream unsafe.Pointer) unsafe.Pointer
	cancel      func(conn, stream unsafe.Pointer)
	classify    func(conn, sql unsafe.Pointer, n uint64, db unsafe.Pointer, dbn uint64, out unsafe.Pointer) int32

	streamInsert  withParams
	insertAppend  func(stream, data unsafe.Pointer, n uint64) int32
	insertDone    func(stream unsafe.Pointer) unsafe.Pointer
	insertCancel  func(stream unsafe.Pointer)
	insertError   func(stream unsafe.Pointer) string
	insertDestroy func(stream unsafe.Pointer)

	resultError   func(result unsafe.Pointer) string
	resultBuffer  func(result unsafe.Pointer) unsafe.Pointer
	resultLength  func(result unsafe.Pointer) uint64
	resultWritten func(result unsafe.Pointer) uint64
	resultDestroy func(result unsafe.Pointer)
}

// withParams is the shape of the three calls that take a statement, a format and named parameters.
type withParams func(conn, q unsafe.Pointer, qn uint64, format unsafe.Pointer, fn uint64,
	names, nameLens, values, valueLens unsafe.Pointer, n uint64) unsafe.Pointer

// loadChdb opens the library and turns the engine's own signal handlers off: with them a nil dereference that Go
// would recover from kills the process without a word.
func loadChdb(path string) (*chdb, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	c := &chdb{}
	for name, fn := range c.symbols() {
		sym, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("%s is not the pinned build of libchdb: %w", path, err)
		}
		purego.RegisterFunc(fn, sym)
	}
	c.setSignalHandlers(0)
	return c, nil
}

func (c *chdb) symbols() map[string]any {
	return map[string]any{
		"chdb_set_signal_handlers_enabled": &c.setSignalHandlers,
		"chdb_version":                     &c.version,
		"chdb_connect":                     &c.connect,
		"chdb_close_conn":                  &c.closeConn,
		"chdb_query_with_params_n":         &c.query,
		"chdb_stream_query_with_params_n":  &c.streamQuery,
		"chdb_stream_fetch_result":         &c.fetch,
		"chdb_stream_cancel_query":         &c.cancel,
		"chdb_classify_query_n":            &c.classify,
		"chdb_stream_insert_with_params_n": &c.streamInsert,
		"chdb_stream_append":               &c.insertAppend,
		"chdb_stream_done":                 &c.insertDone,
		"chdb_stream_cancel_insert":        &c.insertCancel,
		"chdb_stream_insert_error":         &c.insertError,
		"chdb_destroy_insert_stream":       &c.insertDestroy,
		"chdb_result_error":                &c.resultError,
		"chdb_result_buffer":               &c.resultBuffer,
		"chdb_result_length":               &c.resultLength,
		"chdb_result_rows_written":         &c.resultWritten,
		"chdb_destroy_query_result":        &c.resultDestroy,
	}
}

// Exception is an error of the engine, or one this package raises in the engine's own terms so that drivers parse it.
type Exception struct {
	Code int
	Text string // "Code: 60. DB::Exception: …"
}

func (e *Exception) Error() string { return e.Text }

// exceptionf makes an Exception with the engine's code and symbolic name.
func exceptionf(code int, name, format string, args ...any) *Exception {
	return &Exception{Code: code, Text: fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, fmt.Sprintf(format, args...), name)}
}

// parseException makes an Exception of the engine's text; text without a code is LOGICAL_ERROR (49).
func parseException(text string) error {
	if text == "" {
		return nil
	}
	e := &Exception{Code: 49, Text: text}
	if rest, ok := strings.CutPrefix(text, "Code: "); ok {
		digits, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(digits); err == nil {
			e.Code = n
		}
	}
	return e
}

// errConnect is all that the C interface says; the engine writes the reason on standard error.
var errConnect = errors.New("the engine refused to open; its reason stands above on standard error")

// rawConn is one session of the engine.
type rawConn struct {
	c    *chdb
	that unsafe.Pointer // chdb_connection*, what close takes
}

// dial opens a session. The first one of a process boots the engine and alone heeds --path and --config-file.
func (c *chdb) dial(args ...string) (*rawConn, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]unsafe.Pointer, 0, len(args)+2)
	for _, a := range append([]string{"plinth"}, args...) {
		b := append([]byte(a), 0)
		pin.Pin(&b[0])
		argv = append(argv, unsafe.Pointer(&b[0]))
	}
	argv = append(argv, nil)
	pin.Pin(&argv[0])
	that := c.connect(int32(len(argv)-1), unsafe.Pointer(&argv[0]))
	if that == nil || *(*unsafe.Pointer)(that) == nil {
		return nil, errConnect
	}
	return &rawConn{c: c, that: that}, nil
}

func (r *rawConn) handle() unsafe.Pointer { return *(*unsafe.Pointer)(r.that) }

func (r *rawConn) close() {
	if r.that != nil {
		r.c.closeConn(r.that)
		r.that = nil
	}
}

// param is a named parameter; its value is already escaped as the engine expects (TSV).
type param struct{ name, value string }

// call runs one of the three statement calls with everything pinned that C reads.
func (r *rawConn) call(fn withParams, sql, format string, params []param) unsafe.Pointer {
	var pin runtime.Pinner
	defer pin.Unpin()
	names, nameLens := pinned(&pin, params, func(p param) string { return p.name })
	values, valueLens := pinned(&pin, params, func(p param) string { return p.value })
	q, qn := pinText(&pin, sql)
	f, fn2 := pinText(&pin, format)
	return fn(r.handle(), q, qn, f, fn2, names, nameLens, values, valueLens, uint64(len(params)))
}

// pinned lays out one column of params as C wants it: an array of pointers and an array of lengths.
func pinned(pin *runtime.Pinner, params []param, text func(param) string) (ptrs, lens unsafe.Pointer) {
	if len(params) == 0 {
		return nil, nil
	}
	ps, ns := make([]unsafe.Pointer, len(params)), make([]uint64, len(params))
	for i, p := range params {
		ps[i], ns[i] = pinText(pin, text(p))
	}
	pin.Pin(&ps[0])
	pin.Pin(&ns[0])
	return unsafe.Pointer(&ps[0]), unsafe.Pointer(&ns[0])
}

// pinText copies s with a closing NUL: some paths of the library look past the length.
func pinText(pin *runtime.Pinner, s string) (unsafe.Pointer, uint64) {
	b := append([]byte(s), 0)
	pin.Pin(&b[0])
	return unsafe.Pointer(&b[0]), uint64(len(s))
}

// exec runs a statement and returns its whole output, copied, and the rows it wrote.
func (r *rawConn) exec(sql, format string, params ...param) ([]byte, uint64, error) {
	res := r.call(r.c.query, sql, format, params)
	defer r.c.resultDestroy(res)
	if err := parseException(r.c.resultError(res)); err != nil {
		return nil, 0, err
	}
	return r.bytes(res), r.c.resultWritten(res), nil
}

// text runs a statement and returns its output as tab-separated text without the last newline.
func (r *rawConn) text(sql string, params ...param) (string, error) {
	out, _, err := r.exec(sql, "TabSeparated", params...)
	return strings.TrimSuffix(string(out), "\n"), err
}

func (r *rawConn) bytes(res unsafe.Pointer) []byte {
	n := r.c.resultLength(res)
	if n == 0 {
		return nil
	}
	return append([]byte(nil), unsafe.Slice((*byte)(r.c.resultBuffer(res)), n)...)
}

// stream is a running query whose output is fetched chunk by chunk.
type stream struct {
	r    *rawConn
	res  unsafe.Pointer
	done bool
}

func (r *rawConn) stream(sql, format string, params ...param) (*stream, error) {
	res := r.call(r.c.streamQuery, sql, format, params)
	if err := parseException(r.c.resultError(res)); err != nil {
		r.c.resultDestroy(res)
		return nil, err
	}
	return &stream{r: r, res: res}, nil
}

// next returns the next chunk, or nil at the end.
func (s *stream) next() ([]byte, error) {
	chunk := s.r.c.fetch(s.r.handle(), s.res)
	defer s.r.c.resultDestroy(chunk)
	if err := parseException(s.r.c.resultError(chunk)); err != nil {
		s.done = true
		return nil, err
	}
	b := s.r.bytes(chunk)
	s.done = b == nil
	return b, nil
}

func (s *stream) close() {
	if !s.done {
		s.r.c.cancel(s.r.handle(), s.res)
	}
	s.r.c.resultDestroy(s.res)
}

// insert is an INSERT whose data is appended piece by piece. Either done or cancel ends it, then close.
type insert struct {
	r *rawConn
	s unsafe.Pointer
}

func (r *rawConn) insert(sql, format string, params ...param) (*insert, error) {
	s := r.call(r.c.streamInsert, sql, format, params)
	if err := parseException(r.c.insertError(s)); err != nil {
		r.c.insertDestroy(s)
		return nil, err
	}
	return &insert{r: r, s: s}, nil
}

// append hands over a copy of p and blocks while the engine is behind.
func (i *insert) append(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&p[0])
	if i.r.c.insertAppend(i.s, unsafe.Pointer(&p[0]), uint64(len(p))) == 0 {
		return nil
	}
	if err := parseException(i.r.c.insertError(i.s)); err != nil {
		return err
	}
	return exceptionf(49, "LOGICAL_ERROR", "the insert ended before its data")
}

// done commits and returns the rows written.
func (i *insert) done() (uint64, error) {
	res := i.r.c.insertDone(i.s)
	defer i.r.c.resultDestroy(res)
	if err := parseException(i.r.c.resultError(res)); err != nil {
		return 0, err
	}
	return i.r.c.resultWritten(res), nil
}

func (i *insert) cancel() { i.r.c.insertCancel(i.s) }
func (i *insert) close()  { i.r.c.insertDestroy(i.s) }

// class is what a statement does, by the engine's own parser.
type class uint32

const (
	classRead    class = 0
	classWrite   class = 1
	classGlobal  class = 2 // beside the databases: functions, named collections, users
	classControl class = 3 // SET, SYSTEM, KILL, ATTACH, INTO OUTFILE …
	classUnknown class = 4 // did not parse, or is not known
)

// analysis is chdb_query_analysis_v1.
type analysis struct {
	size, count, flags uint32
	class              class
}

// analyse parses text without running it.
func (r *rawConn) analyse(sql string) analysis {
	var pin runtime.Pinner
	defer pin.Unpin()
	a := &analysis{size: uint32(unsafe.Sizeof(analysis{}))}
	pin.Pin(a)
	q, qn := pinText(&pin, sql)
	db, dbn := pinText(&pin, database)
	if r.c.classify(r.handle(), q, qn, db, dbn, unsafe.Pointer(a)) != 0 {
		a.class = classUnknown
	}
	return *a
}
