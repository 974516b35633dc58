// The running service that the journeys need: the one that PLINTH_URL names, or else one of our own on a fresh folder.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../bin/plinth', import.meta.url))
const patience = 180_000

/** openHouse gives the service's address, its credentials, and how to leave it. */
export async function openHouse() {
  if (process.env.PLINTH_URL) {
    const file = process.env.PLINTH_CREDENTIALS ?? '../data/credentials.json'
    return { url: process.env.PLINTH_URL, credentials: read(file), close: async () => {} }
  }
  if (!existsSync(program)) throw new Error('bin/plinth is not built: run make build, or set PLINTH_URL and PLINTH_CREDENTIALS')
  const data = mkdtempSync(join(tmpdir(), 'plinth-journeys-'))
  // The simulated district feeds it: without events there would be nothing to query.
  const house = spawn(program, ['up', '--data', data, '--listen', '127.0.0.1:0'], { cwd: join(program, '../..'), stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise((resolve) => house.on('exit', resolve))
  const close = async () => {
    house.kill('SIGTERM')
    await ended
    rmSync(data, { recursive: true, force: true })
  }
  try {
    const url = await address(house, ended)
    return { url, credentials: read(join(data, 'credentials.json')), close }
  } catch (cause) {
    await close()
    throw cause
  }
}

const read = (file) => JSON.parse(readFileSync(file, 'utf8'))

/** address waits for the house to tell its own; a house that ends before is a failure with its last words. */
function address(house, ended) {
  let last = ''
  return new Promise((resolve, reject) => {
    const wait = setTimeout(() => reject(new Error(`the service is not ready:\n${last}`)), patience)
    house.stderr.on('data', (b) => (last = (last + b).slice(-2000)))
    let said = ''
    house.stdout.on('data', (b) => {
      said += b
      const found = said.match(/http:\/\/\S+/)
      if (found && said.includes('credentials.json')) {
        clearTimeout(wait)
        resolve(found[0])
      }
    })
    void ended.then(() => reject(new Error(`the service has ended:\n${last}`)))
  })
}
