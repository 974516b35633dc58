package sequencer

// SetFault has fn called at each step of Append; an error stops there, as a crash would.
func (l *Log) SetFault(fn func(step string) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = fn
}

// SetFree replaces what the disk says of its free bytes.
func (l *Log) SetFree(fn func() (uint64, error)) { l.free = fn }

// SetFault has fn called at each step between the log and the chain or the database.
func (s *Sequencer) SetFault(fn func(step string) error) { s.fault = fn }
