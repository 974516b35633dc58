import { Link } from 'react-router'
import { useWords } from '../i18n'
import { PageHead } from '../parts/page'

export default function Missing() {
  const { t } = useWords()
  return (
    <>
      <PageHead title={t('missing.title')} about={t('missing.about')} />
      <Link to="/">{t('nav.overview')}</Link>
    </>
  )
}
