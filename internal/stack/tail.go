package stack

import (
	"strings"
	"sync"
)

// tailLines is how much of a program's output is kept for error messages.
const tailLines = 12

// tail keeps the last lines that were written to it.
type tail struct {
	mu    sync.Mutex
	lines []string
	part  string
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(t.part+string(p), "\n")
	t.part = lines[len(lines)-1]
	t.lines = append(t.lines, lines[:len(lines)-1]...)
	if extra := len(t.lines) - tailLines; extra > 0 {
		t.lines = append([]string(nil), t.lines[extra:]...)
	}
	return len(p), nil
}

// quoted returns the lines for the end of an error message, or nothing.
func (t *tail) quoted() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 && t.part == "" {
		return ""
	}
	return "\n  | " + strings.Join(append(t.lines, t.part), "\n  | ")
}
