// All phrases: [中文, English]. A phrase that lacks one of them does not compile.
import { alarms } from './alarms'
import { catalog } from './catalog'
import { events } from './events'
import { devices } from './devices'
import { evidence } from './evidence'
import { frame } from './frame'
import { pipelines } from './pipelines'
import { sense } from './sense'
import { system } from './system'
import { use } from './use'
import { values } from './values'
import { vitals } from './vitals'

export const words = { ...frame, ...values, ...catalog, ...use, ...sense, ...devices, ...alarms, ...pipelines, ...vitals, ...events, ...evidence, ...system }
