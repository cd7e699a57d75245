import type { Release, ServiceReport } from "@stackyard/sdk/releases";
import { isOver } from "./release-status.ts";

/** Returns how far a release is, by what its services lack; undefined where its head or its error says it already. */
export function toReleaseSentence(release: Release): string | undefined {
  const { report, standing, end, project, config, releaseId, operation } = release;
  if (isOver(release)) {
    const hasSucceeded = end === "Success" || (end === undefined && standing === "succeeded");
    return hasSucceeded && operation === "deploy" ? `${project}, ${config} runs ${releaseId}.` : undefined;
  }
  const services = Object.entries(report?.services ?? {});
  const open = services.filter(([, { isHealthy }]) => !isHealthy);
  if (report === undefined || services.length === 0) return undefined;
  const healthy = services.length - open.length;
  return [
    ...open.map(([name, service]) => toService(name, service)),
    ...(healthy === 0 ? [] : [open.length === 0 ? "All services are healthy." : toHealthy(services)]),
  ].join(" ");
}

function toService(name: string, { healthy, targetHealthy, causes }: ServiceReport): string {
  const [cause] = causes;
  return `${name} has ${healthy} of ${targetHealthy} healthy servers${cause === undefined ? "" : `: ${cause}`}.`;
}

function toHealthy(services: readonly (readonly [string, ServiceReport])[]): string {
  const names = services.flatMap(([name, { isHealthy }]) => (isHealthy ? [name] : []));
  return names.length === 1 ? `${names[0]} is healthy.` : `${names.length} others are healthy.`;
}
