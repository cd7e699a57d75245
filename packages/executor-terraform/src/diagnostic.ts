import { type JsonObject, numberAt, objectAt, textAt } from "./json-object.ts";

/** What Terraform says about a problem. */
export interface Diagnostic {
  readonly severity: string;
  readonly summary: string;
  readonly detail: string;
  /** `main.tf:12`, where the problem has a place. */
  readonly place?: string;
  /** The resource, where the problem belongs to one. */
  readonly address?: string;
}

/** The summary that Terraform and OpenTofu give when another run holds the state. */
const LOCKED_SUMMARY = /^Error acquiring the state lock$/i;
/** Reads the `diagnostic` of a message; what is missing stays empty. */
export function parseDiagnostic(diagnostic: JsonObject): Diagnostic {
  const range = objectAt(diagnostic, "range");
  const file = textAt(range, "filename");
  const address = textAt(diagnostic, "address");
  return {
    severity: textAt(diagnostic, "severity") || "error",
    summary: textAt(diagnostic, "summary"),
    detail: textAt(diagnostic, "detail"),
    ...(file === "" ? {} : { place: `${file}:${numberAt(objectAt(range, "start"), "line")}` }),
    ...(address === "" ? {} : { address }),
  };
}

/** One diagnostic for people: severity, summary and place in the first line, then the detail. */
export function toDiagnosticText({ severity, summary, detail, place, address }: Diagnostic): string {
  const where = [place, address].filter((part) => part !== undefined).join(", ");
  const first = `${severity}: ${summary}${where === "" ? "" : ` (${where})`}`;
  return detail.trim() === "" ? first : `${first}\n${detail.trim()}`;
}

/** True when another run holds the state. */
export function saysLocked({ summary }: Diagnostic): boolean {
  return LOCKED_SUMMARY.test(summary);
}
