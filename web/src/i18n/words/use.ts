import { type Phrases } from './phrases'

export const use = {
  'grant.dataset': ['资源', 'Dataset'],
  'grant.department': ['用数部门', 'Department'],
  'grant.purpose': ['用途', 'Purpose'],
  'grant.columns': ['列', 'Columns'],
  'grant.until': ['到期', 'Until'],
  'grant.id': ['授权号', 'Grant id'],
} satisfies Phrases
