import { jsonFaults } from "../json-faults.ts";
import { findNumber, findText, type ServiceFaults, type SimCall } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

const of =
  (name: string) =>
  (message = ""): SimFault =>
    new SimFault(name, 400, message);

/** Errors, all of status 400. Source: Systems Manager API reference, the errors of each action and "Common errors". */
export const ssmFaults = {
  ...jsonFaults,
  validation: of("ValidationException"),
  documentExists: of("DocumentAlreadyExists"),
  documentContent: of("InvalidDocumentContent"),
  documentDuplicate: of("DuplicateDocumentContent"),
  documentMissing: of("InvalidDocument"),
  documentSchema: of("InvalidDocumentSchemaVersion"),
  documentSize: of("MaxDocumentSizeExceeded"),
  documentVersion: of("InvalidDocumentVersion"),
  duplicateInstance: of("DuplicateInstanceId"),
  commandMissing: of("InvalidCommandId"),
  filterKey: of("InvalidFilterKey"),
  filterValue: of("InvalidInstanceInformationFilterValue"),
  // The words are not in the reference; they are in many public reports of this error.
  instances: (ids: readonly string[], account: string) =>
    new SimFault(
      "InvalidInstanceId",
      400,
      `Instances [[${ids.join(", ")}]] not in a valid state for account ${account}`,
    ),
  instance: of("InvalidInstanceId"),
  invocationMissing: of("InvocationDoesNotExist"),
  outputFolder: of("InvalidOutputFolder"),
  parameters: of("InvalidParameters"),
  platform: of("UnsupportedPlatformType"),
  plugin: of("InvalidPluginName"),
  token: of("InvalidNextToken"),
} satisfies ServiceFaults & Record<string, (...texts: never[]) => SimFault>;

/** What a request breaks, in the words of AWS's own checks of requests. */
export function constraint(field: string, value: unknown, rule: string): SimFault {
  const shown = typeof value === "string" ? value : JSON.stringify(value);
  return ssmFaults.validation(
    `1 validation error detected: Value '${shown}' at '${field}' failed to satisfy constraint: ${rule}`,
  );
}

/** What a list's MaxResults may be. */
interface PageLimits {
  readonly min: number;
  readonly max: number;
  readonly usual: number;
}

/** One page of a list, and the token of the next. */
export function toPage<Row>(rows: readonly Row[], { input }: SimCall, limits: PageLimits) {
  const size = findNumber(input, "MaxResults") ?? limits.usual;
  if (size < limits.min) {
    throw constraint("maxResults", size, `Member must have value greater than or equal to ${limits.min}`);
  }
  if (size > limits.max) {
    throw constraint("maxResults", size, `Member must have value less than or equal to ${limits.max}`);
  }
  const from = startOf(findText(input, "NextToken"));
  const isMore = from + size < rows.length;
  return { rows: rows.slice(from, from + size), next: isMore ? { NextToken: `page-${from + size}` } : {} };
}

function startOf(token: string | undefined): number {
  if (token === undefined) return 0;
  const found = /^page-(\d+)$/.exec(token);
  if (found === null) throw ssmFaults.token("The specified token isn't valid.");
  return Number(found[1]);
}
