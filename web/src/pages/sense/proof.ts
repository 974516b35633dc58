import { useState } from 'react'
import { send } from '../../api/call'
import { type Device } from '../../api/plinth'
import { saveBlob } from '../../parts/figures'
import { day, daysFrom, startOfDay } from '../../parts/time'
import { useSession } from '../../session'
import { type DeviceFile } from '../evidence/verifier'

/** useProof fetches a device's file of evidence, whole or with the proof of the readings of one moment. */
export function useProof(d: Device) {
  const { account, has } = useSession()
  const [error, setError] = useState<unknown>(null)
  const [file, setFile] = useState<DeviceFile | null>(null)
  const may = has('auditor', 'operator') || (Boolean(account?.department) && account?.department === d.owner)
  const fetchFile = (from: string, to: string, more: Record<string, string>, name: string) => {
    setError(null)
    setFile(null)
    const take = async (answer: Response) => {
      const blob = await answer.blob()
      saveBlob(name, blob)
      setFile({ bytes: new Uint8Array(await blob.arrayBuffer()), name, device: d.id, from, to })
    }
    const query = new URLSearchParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), ...more })
    send(`/v1/evidence/devices/${encodeURIComponent(d.id)}/file?${query}`).then(take).catch(setError)
  }
  /** ofReading is the proof of one moment, in the file of its day. */
  const ofReading = (metric: string, at: string) => {
    const first = startOfDay(day(at))
    fetchFile(first, startOfDay(daysFrom(new Date(first), 1)), { metric, at: new Date(at).toISOString() }, `${d.id}-${metric}.plinth-device`)
  }
  return { may, error, file, fetchFile, ofReading }
}
