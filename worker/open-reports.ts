import { openReports } from '../stores/reports/open-reports.ts';
import type { ReportStore } from '../stores/reports/report-store.ts';
import { azureConnection } from '../systems/azure/connection.ts';
import { createOutbound } from '../systems/outbound.ts';
import { readSettings } from './settings.ts';

/** The reports alone, for the API: the same settings and the same way to Azure as a worker has, without secrets and record. */
export function reportsOf(env: NodeJS.ProcessEnv): ReportStore {
  const settings = readSettings(env);
  return openReports(settings.reports, azureConnection(settings, createOutbound(settings.proxy))).reports;
}
