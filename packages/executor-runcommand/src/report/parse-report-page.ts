import { StackyardError } from "@stackyard/core";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { FleetReportPage } from "../report-page.ts";

const text = Type.Optional(Type.String());
const number = Type.Optional(Type.Number());

const Instance = Type.Object({
  instanceId: Type.String(),
  state: Type.Enum(["succeeded", "failed", "running", "cancelled", "not-sent", "skipped"]),
  code: text,
  roles: Type.Array(Type.String()),
  platform: Type.Optional(Type.Enum(["linux", "windows"])),
  commandId: text,
  detailedStatus: text,
  responseCode: number,
  startedAt: number,
  endedAt: number,
  stdoutTail: text,
  stderrTail: text,
  cut: Type.Optional(Type.Boolean()),
  links: Type.Optional(Type.Object({ stdout: text, stderr: text })),
});

const count = Type.Integer({ minimum: 0 });

/** Parses a page of a report from the API. Ignores keys of newer versions. */
const Page = Type.Object({
  runId: Type.String(),
  instances: Type.Array(Instance),
  counts: Type.Optional(
    Type.Object({ selected: count, succeeded: count, failed: count, running: count, skipped: count, notSent: count }),
  ),
  artifact: Type.Optional(Type.Object({ bucket: Type.String(), key: Type.String(), versionId: text })),
  source: text,
  startedAt: number,
  endedAt: number,
});

const validator = Compile(Page);

/** Throws `SERVER_ERROR`: the run is of another executor, or of a newer version. */
export function parseReportPage(value: unknown): FleetReportPage {
  if (validator.Check(value)) return value;
  const [fault] = validator.Errors(value);
  const where = fault === undefined ? "" : ` (${fault.instancePath} ${fault.message})`;
  throw new StackyardError("SERVER_ERROR", `The report of the run is not a fleet report${where}.`);
}
