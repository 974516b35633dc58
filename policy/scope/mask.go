package scope

import (
	"fmt"

	"plinth/policy"
)

// keyPlaceholder stands for the scope's key until the scope has its name.
const keyPlaceholder = "\x00key\x00"

// tokenKey reads the scope's key. The minimum makes two racing writers of a key harmless.
func tokenKey(scope string) string {
	return "(SELECT min(k) FROM " + KeyTable + " WHERE scope = " + quote(scope) + ")"
}

// masked is the expression a column is shown by.
func masked(c column, m policy.Mask) (string, error) {
	x := "b.`" + c.name + "`"
	text := "toString(" + x + ")"
	switch m {
	case "":
		return x, nil
	case policy.MaskNull:
		return "CAST(NULL, 'Nullable(" + escape(bare(c.typ)) + ")')", nil
	case policy.MaskPartial:
		// Short values would be shown whole by their two ends.
		return "if(lengthUTF8(" + text + ") >= 9, concat(substringUTF8(" + text + ", 1, 3), '****', substringUTF8(" + text + ", -4)), '****')", nil
	case policy.MaskMonth:
		return "toStartOfMonth(" + x + ")", nil
	case policy.MaskToken:
		return "lower(hex(HMAC('sha256', " + text + ", assumeNotNull(" + keyPlaceholder + "))))", nil
	}
	return "", fmt.Errorf("there is no mask %q", m)
}

func escape(s string) string { q := quote(s); return q[1 : len(q)-1] }
