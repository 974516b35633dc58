package ledger

import "slices"

// checkToken judges a time-stamp token by itself. From here on certificates are judged at its time: they need not be
// valid any more today, if all that they sign was there while they were. A token whose authority is not known proves
// no time, and is looked at no further than that it is a whole one.
func (v *verification) checkToken() (err error) {
	if v.receipt.Timestamp == nil {
		return nil
	}
	if v.token, err = parseToken(v.receipt.Timestamp); err != nil {
		return v.fail(Untrusted, PartTimestamp, "", err)
	}
	if len(v.policy.TimestampRoots) == 0 {
		return nil
	}
	if err := v.token.verifyChain(v.policy.TimestampRoots); err != nil {
		return v.fail(PolicyFailed, PartTimestamp, "", err)
	}
	v.verdict.At = v.token.Time
	return nil
}

// checkStamp checks that the token is over this checkpoint and attestation. It comes last, so that an altered
// attestation is named before the token that no longer fits it.
func (v *verification) checkStamp() error {
	if v.receipt.Timestamp == nil {
		return nil
	}
	text, err := StampedText(v.value.Checkpoint(), v.receipt.Attestation)
	if err == nil {
		err = v.token.covers(text)
	}
	if err != nil {
		return v.fail(Untrusted, PartTimestamp, "", err)
	}
	if len(v.policy.TimestampRoots) == 0 {
		return nil
	}
	v.verdict.Stamped = v.token.stamped()
	v.checked(CheckSigningTime)
	v.verdict.NotChecked = slices.DeleteFunc(v.verdict.NotChecked, func(c Check) bool { return c == CheckSigningTime })
	return nil
}
