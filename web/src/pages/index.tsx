// Every address of the console. Pages are loaded when they are first opened, to keep the first bundle small.
import { lazy, type ReactNode, Suspense } from 'react'
import { Navigate, Outlet, Route, Routes, useLocation } from 'react-router'
import { Frame } from '../frame/frame'
import { Loading } from '../parts/states'
import { useSession } from '../session'
import { SignIn } from './sign-in'

const Overview = lazy(() => import('./overview'))
const Datasets = lazy(() => import('./catalog/datasets'))
const Dataset = lazy(() => import('./catalog/dataset'))
const EditDataset = lazy(() => import('./catalog/edit'))
const Registrations = lazy(() => import('./catalog/registrations'))
const Registration = lazy(() => import('./catalog/registration'))
const OpenLists = lazy(() => import('./catalog/open-lists'))
const OpenList = lazy(() => import('./catalog/open-list'))
const Requests = lazy(() => import('./use/requests'))
const AskForData = lazy(() => import('./use/ask'))
const RequestPage = lazy(() => import('./use/request'))
const Grants = lazy(() => import('./use/grants'))
const GrantPage = lazy(() => import('./use/grant'))
const Workbench = lazy(() => import('./use/workbench'))
const Decisions = lazy(() => import('./use/decisions'))
const DecisionPage = lazy(() => import('./use/decision'))
const Devices = lazy(() => import('./sense/devices'))
const DevicePage = lazy(() => import('./sense/device'))
const Alarms = lazy(() => import('./sense/alarms'))
const AlarmPage = lazy(() => import('./sense/alarm'))
const DeviceFiguresPage = lazy(() => import('./sense/device-figures'))
const Permits = lazy(() => import('./sense/permits'))
const Pipelines = lazy(() => import('./sense/pipelines'))
const PipelinePage = lazy(() => import('./sense/pipeline'))
const Vitals = lazy(() => import('./sense/vitals'))
const VitalPage = lazy(() => import('./sense/vital'))
const NewDevice = lazy(() => import('./sense/new-device'))
const DeviceImport = lazy(() => import('./sense/device-import'))
const DeviceLabels = lazy(() => import('./sense/device-labels'))
const Runs = lazy(() => import('./sense/runs'))
const DeadLetters = lazy(() => import('./sense/dead-letters'))
const Import = lazy(() => import('./sense/import'))
const Incidents = lazy(() => import('./events/incidents'))
const IncidentPage = lazy(() => import('./events/incident'))
const Trends = lazy(() => import('./events/trends'))
const Records = lazy(() => import('./evidence/records'))
const RecordPage = lazy(() => import('./evidence/record'))
const Chain = lazy(() => import('./evidence/chain'))
const CasePage = lazy(() => import('./evidence/case'))
const Provenance = lazy(() => import('./evidence/provenance'))
const Audits = lazy(() => import('./evidence/audits'))
const AuditPage = lazy(() => import('./evidence/audit'))
const Verify = lazy(() => import('./evidence/verify'))
const Alerts = lazy(() => import('./security/alerts'))
const AlertPage = lazy(() => import('./security/alert'))
const Consumers = lazy(() => import('./security/consumers'))
const Engines = lazy(() => import('./system/engines'))
const Accounts = lazy(() => import('./system/accounts'))
const Tokens = lazy(() => import('./system/tokens'))
const Missing = lazy(() => import('./missing'))

function Framed({ children }: { children: ReactNode }) {
  return (
    <Frame>
      <Suspense fallback={<Loading />}>{children}</Suspense>
    </Frame>
  )
}

/** SignedIn lets nobody else pass; the address is kept for after the sign-in. */
function SignedIn() {
  const { account } = useSession()
  const { pathname, search } = useLocation()
  if (account === undefined) return <Loading />
  if (!account) return <Navigate replace to={pathname === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(pathname + search)}`} />
  return (
    <Framed>
      <Outlet />
    </Framed>
  )
}

function Open() {
  return (
    <Framed>
      <Outlet />
    </Framed>
  )
}

export function Pages() {
  return (
    <Routes>
      <Route path="/sign-in" element={<SignIn />} />
      <Route element={<Open />}>
        <Route path="/open-lists" element={<OpenLists />} />
        <Route path="/open-lists/:number" element={<OpenList />} />
        <Route path="/verify" element={<Verify />} />
        <Route path="/v/:code" element={<Verify />} />
      </Route>
      <Route element={<SignedIn />}>
        <Route path="/" element={<Overview />} />
        <Route path="/datasets" element={<Datasets />} />
        <Route path="/datasets/new" element={<EditDataset />} />
        <Route path="/datasets/:id" element={<Dataset />} />
        <Route path="/datasets/:id/edit" element={<EditDataset />} />
        <Route path="/datasets/:id/ask" element={<AskForData />} />
        <Route path="/registrations" element={<Registrations />} />
        <Route path="/registrations/:id" element={<Registration />} />
        <Route path="/requests" element={<Requests />} />
        <Route path="/requests/:id" element={<RequestPage />} />
        <Route path="/grants" element={<Grants />} />
        <Route path="/grants/:id" element={<GrantPage />} />
        <Route path="/workbench" element={<Workbench />} />
        <Route path="/decisions" element={<Decisions />} />
        <Route path="/decisions/:id" element={<DecisionPage />} />
        <Route path="/devices" element={<Devices />} />
        <Route path="/devices/new" element={<NewDevice />} />
        <Route path="/devices/import" element={<DeviceImport />} />
        <Route path="/devices/labels" element={<DeviceLabels />} />
        <Route path="/devices/:id" element={<DevicePage />} />
        <Route path="/devices/:id/edit" element={<NewDevice />} />
        <Route path="/alarms" element={<Alarms />} />
        <Route path="/alarms/:id" element={<AlarmPage />} />
        <Route path="/device-figures" element={<DeviceFiguresPage />} />
        <Route path="/permits" element={<Permits />} />
        <Route path="/pipelines" element={<Pipelines />} />
        <Route path="/pipelines/:id" element={<PipelinePage />} />
        <Route path="/vitals" element={<Vitals />} />
        <Route path="/vitals/:id" element={<VitalPage />} />
        <Route path="/runs" element={<Runs />} />
        <Route path="/dead-letters" element={<DeadLetters />} />
        <Route path="/import" element={<Import />} />
        <Route path="/incidents" element={<Incidents />} />
        <Route path="/incidents/:id" element={<IncidentPage />} />
        <Route path="/trends" element={<Trends />} />
        <Route path="/evidence" element={<Records />} />
        <Route path="/evidence/:id" element={<RecordPage />} />
        <Route path="/evidence/provenance" element={<Provenance />} />
        <Route path="/evidence/cases/:id" element={<CasePage />} />
        <Route path="/chain" element={<Chain />} />
        <Route path="/audits" element={<Audits />} />
        <Route path="/audits/:id" element={<AuditPage />} />
        <Route path="/alerts" element={<Alerts />} />
        <Route path="/alerts/:id" element={<AlertPage />} />
        <Route path="/consumers" element={<Consumers />} />
        <Route path="/engines" element={<Engines />} />
        <Route path="/accounts" element={<Accounts />} />
        <Route path="/tokens" element={<Tokens />} />
        <Route path="*" element={<Missing />} />
      </Route>
    </Routes>
  )
}
