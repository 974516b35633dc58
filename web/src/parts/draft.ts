// Drafts of forms live in this browser, by account, until they are sent or thrown away.

const prefix = 'plinth.draft.'

export function draftKey(account: string, form: string): string {
  return `${prefix}${account}.${form}`
}

export function readDraft<T>(key: string): T | null {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null') as T | null
  } catch {
    return null
  }
}

/** writeDraft keeps what was typed; a browser without room or permission for it only loses the draft. */
export function writeDraft(key: string, value: unknown) {
  try {
    localStorage.setItem(key, JSON.stringify(value))
  } catch {
    // Nothing to do: the form itself still holds everything.
  }
}

export function dropDraft(key: string) {
  localStorage.removeItem(key)
}
