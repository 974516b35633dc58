import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// PLINTH_URL is the service that `npm run dev` hands API calls to.
const service = process.env.PLINTH_URL ?? 'http://127.0.0.1:8640'

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2023',
    chunkSizeWarningLimit: 900,
    // A data: address in a script or style would need a wider content security policy.
    assetsInlineLimit: 0,
  },
  server: { proxy: { '/v1': service, '/open/': service } },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
})
