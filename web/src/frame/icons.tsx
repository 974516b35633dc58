import AlertOutlined from '@ant-design/icons/es/icons/AlertOutlined'
import ApartmentOutlined from '@ant-design/icons/es/icons/ApartmentOutlined'
import AppstoreOutlined from '@ant-design/icons/es/icons/AppstoreOutlined'
import AuditOutlined from '@ant-design/icons/es/icons/AuditOutlined'
import DatabaseOutlined from '@ant-design/icons/es/icons/DatabaseOutlined'
import RadarChartOutlined from '@ant-design/icons/es/icons/RadarChartOutlined'
import SafetyOutlined from '@ant-design/icons/es/icons/SafetyOutlined'
import SettingOutlined from '@ant-design/icons/es/icons/SettingOutlined'
import { type ReactNode } from 'react'

/** icons of the menu's sections, by their key; each stands beside its word. */
export const icons: Record<string, ReactNode> = {
  overview: <AppstoreOutlined />,
  catalog: <DatabaseOutlined />,
  use: <ApartmentOutlined />,
  sense: <RadarChartOutlined />,
  events: <AlertOutlined />,
  evidence: <AuditOutlined />,
  security: <SafetyOutlined />,
  system: <SettingOutlined />,
}
