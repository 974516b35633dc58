// Vite empties dist; this puts back the file that keeps the folder in the repository, for the Go embed.
import { writeFileSync } from 'node:fs'

writeFileSync(new URL('../dist/.gitkeep', import.meta.url), '')
