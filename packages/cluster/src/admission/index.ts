export { type Dial, WebhookConnections } from './connections.ts';
export { AdmissionDenied, type Remarks } from './denied.ts';
export type { ResolveService } from './endpoint.ts';
export type { AdmissionRequest, Kind, Resource } from './request.ts';
export { type AdmissionOutcome, type AdmissionRun, type Equivalent, runAdmission } from './run.ts';
