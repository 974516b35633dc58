// Reading a QR from a picture or the camera. Everything stays in the browser.
import decodeQR from 'qr/decode.js'

/** Pictures from phones have far more dots than a code needs; a smaller one is read faster and as well. */
const longestSide = 1600

function read(source: CanvasImageSource, width: number, height: number): string {
  const scale = Math.min(1, longestSide / Math.max(width, height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(width * scale))
  canvas.height = Math.max(1, Math.round(height * scale))
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) return ''
  context.fillStyle = '#fff' // a code on a transparent ground would be black on black
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.drawImage(source, 0, 0, canvas.width, canvas.height)
  try {
    return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height))
  } catch {
    return '' // there is no code in it
  }
}

/** readPicture gives what the QR in a picture file says, or "" when there is none. */
export async function readPicture(file: Blob): Promise<string> {
  const picture = await createImageBitmap(file)
  try {
    return read(picture, picture.width, picture.height)
  } finally {
    picture.close()
  }
}

/** watchCamera looks through the camera until a QR is seen or stop is asked. It throws when the camera may not be used. */
export async function watchCamera(video: HTMLVideoElement, stop: AbortSignal): Promise<string> {
  if (!navigator.mediaDevices) throw new Error('no camera')
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
  try {
    video.srcObject = stream
    await video.play()
    while (!stop.aborted) {
      const seen = video.videoWidth ? read(video, video.videoWidth, video.videoHeight) : ''
      if (seen) return seen
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
    return ''
  } finally {
    stream.getTracks().forEach((track) => track.stop())
    video.srcObject = null
  }
}
