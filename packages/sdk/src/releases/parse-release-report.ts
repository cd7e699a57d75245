import type { ReleaseEnd, ReleaseFault, ReleaseOperation, ReleaseReport, ServiceReport } from "./release-report.ts";

/**
 * The report of a release, of a page that some version of the executor has written. What is missing is filled in, what is of
 * another type is left out; undefined for a page that is no report of a release.
 */
export function parseReleaseReport(page: unknown): ReleaseReport | undefined {
  if (!isMap(page) || typeof page["releaseId"] !== "string" || typeof page["state"] !== "string") return undefined;
  const { startedAt, error } = page;
  const fault = parseFault(error);
  const end = parseReleaseEnd(page["end"]);
  return {
    operation: parseReleaseOperation(page["operation"]),
    releaseId: page["releaseId"],
    account: toText(page["account"]),
    region: toText(page["region"]),
    project: toText(page["project"]),
    config: toText(page["config"]),
    state: page["state"],
    since: toCount(page["since"]),
    ...(isCount(startedAt) ? { startedAt } : {}),
    timeoutSeconds: toCount(page["timeoutSeconds"]),
    path: toList(page["path"]).flatMap((step) =>
      typeof step["state"] === "string" ? [{ state: step["state"], at: toCount(step["at"]) }] : [],
    ),
    services: parseServices(page["services"]),
    lines: toList(page["lines"]).flatMap((line) =>
      typeof line["text"] === "string" ? [{ text: line["text"], at: toCount(line["at"]) }] : [],
    ),
    ...(fault && { error: fault }),
    laterErrors: toList(page["laterErrors"]).flatMap((later) => parseFault(later) ?? []),
    ...(end && { end }),
  };
}

const OPERATIONS: readonly ReleaseOperation[] = ["deploy", "rollback", "repair", "retire", "lock", "unlock"];
const ENDS: readonly ReleaseEnd[] = ["Success", "FailureClean", "FailureDirty"];

/** What a run does; `deploy` where it does not say. */
export function parseReleaseOperation(value: unknown): ReleaseOperation {
  return OPERATIONS.find((each) => each === value) ?? "deploy";
}

/** How a release has ended; undefined for what is no end. */
export function parseReleaseEnd(value: unknown): ReleaseEnd | undefined {
  return ENDS.find((end) => end === value);
}

function parseServices(value: unknown): Readonly<Record<string, ServiceReport>> {
  if (!isMap(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, service]) => (isMap(service) ? [[name, parseService(service)]] : [])),
  );
}

function parseService(service: Readonly<Record<string, unknown>>): ServiceReport {
  const { group, causes } = service;
  return {
    healthy: toCount(service["healthy"]),
    unhealthy: toCount(service["unhealthy"]),
    terminating: toCount(service["terminating"]),
    launching: toCount(service["launching"]),
    targetHealthy: toCount(service["targetHealthy"]),
    targetLaunched: toCount(service["targetLaunched"]),
    ...(typeof group === "string" ? { group } : {}),
    isHealthy: service["isHealthy"] === true,
    causes: Array.isArray(causes) ? causes.filter((cause) => typeof cause === "string") : [],
  };
}

function parseFault(value: unknown): ReleaseFault | undefined {
  if (!isMap(value) || typeof value["class"] !== "string") return undefined;
  return { class: value["class"], message: toText(value["message"]) };
}

function toList(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isMap) : [];
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function toCount(value: unknown): number {
  return isCount(value) ? value : 0;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
