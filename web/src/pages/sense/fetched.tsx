import Button from 'antd/es/button'
import { useNavigate } from 'react-router'
import { useWords } from '../../i18n'
import { Failure, Note } from '../../parts/states'
import { type DeviceFile } from '../evidence/verifier'

/** Fetched tells what has come of asking for a receipt, and leads to where it is verified. */
export function Fetched({ of }: { of: { error: unknown; file: DeviceFile | null } }) {
  const { t } = useWords()
  const navigate = useNavigate()
  return (
    <>
      <Failure error={of.error} />
      {of.file && (
        <Note tone="ok" title={t('deviceProof.fetched', { name: of.file.name })}>
          <p>{t('deviceProof.fetchedAbout')}</p>
          <p>
            <Button size="small" onClick={() => void navigate('/verify', { state: { device: of.file } })}>
              {t('deviceProof.verifyHere')}
            </Button>
          </p>
        </Note>
      )}
    </>
  )
}
