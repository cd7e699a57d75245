import { cutText, defined } from "@stackyard/core";
import { NOT_SENT } from "../count-instances.ts";
import type { FleetCounts, FleetInstanceReport, FleetReportPage } from "../report-page.ts";

/** The state of an instance for people, failed ones first. */
export type FleetStanding =
  | "failed"
  | "cancelled"
  | "not sent"
  | "unknown"
  | "running"
  | "waiting"
  | "skipped"
  | "succeeded";

/** The standings in the order of a report. */
export const STANDINGS: readonly FleetStanding[] = [
  ...(["failed", "cancelled", "not sent", "unknown", "running", "waiting", "skipped", "succeeded"] as const),
];

/** The code of instances whose end a run has not seen, because it ended first. */
const RUN_ENDED = "RUN_ENDED";

/** The number of a role's instances in each state. An instance counts for each of its roles. */
export interface RoleCounts {
  /** The role; missing for instances without one. */
  readonly role: string | undefined;
  readonly counts: Readonly<Record<FleetStanding, number>>;
  readonly total: number;
}

/** A run's report as tables show it. */
export interface FleetReport extends Omit<FleetReportPage, "instances" | "counts"> {
  readonly counts: FleetCounts;
  /** All instances, each once. */
  readonly standings: Readonly<Record<FleetStanding, number>>;
  /** In order of their names; those without a role at the end. */
  readonly roles: readonly RoleCounts[];
  /** Why instances failed, the most frequent first. */
  readonly causes: readonly FailureCause[];
  /** Failing first, then by code and id. */
  readonly instances: readonly FleetInstanceReport[];
}

/** The facts of a report's run that come from elsewhere. */
export interface FleetReportOptions {
  /** It has ended. Default: the report says so; that of a run that was ended from outside, such as by its timeout, does not. */
  readonly isOver?: boolean;
}

/**
 * Merges the pages of a report. An instance that is on two pages, which happens while they are written, counts once. After
 * the end of the run nothing runs or waits any more: what was on its way has an unknown end, and what waited was not sent to.
 */
export function toFleetReport(pages: readonly FleetReportPage[], options: FleetReportOptions = {}): FleetReport {
  const { instances: _, counts: __, ...facts } = pages.find(({ counts }) => counts !== undefined) ?? pages[0] ?? NONE;
  const isOver = options.isOver === true || facts.endedAt !== undefined;
  const byId = new Map(pages.flatMap(({ instances }) => instances).map((each) => [keyOf(each), each]));
  const instances = [...byId.values()].map((each) => (isOver ? toLastSeen(each) : each)).toSorted(compareInstances);
  const standings = countStandings(instances);
  return {
    ...facts,
    counts: toCounts(standings),
    standings,
    roles: countRoles(instances),
    causes: groupFailures(instances.filter(isFailing)),
    instances,
  };
}

/** Returns an instance of a run that has ended. */
function toLastSeen(instance: FleetInstanceReport): FleetInstanceReport {
  const { state, code } = instance;
  if (code !== undefined) return instance;
  if (state === "running") return { ...instance, code: RUN_ENDED };
  return state === "not-sent" ? { ...instance, code: NOT_SENT } : instance;
}

/** Returns the standing of an instance. */
export function standingOf({ state, code }: FleetInstanceReport): FleetStanding {
  if (state === "running" && code === RUN_ENDED) return "unknown";
  if (state !== "not-sent") return state;
  return code === undefined ? "waiting" : "not sent";
}

/** Returns true for instances that a retry would send to again. */
export function isFailing(instance: FleetInstanceReport): boolean {
  const standing = standingOf(instance);
  return standing === "failed" || standing === "cancelled" || standing === "not sent";
}

const NONE: FleetReportPage = { runId: "", instances: [] };

// A skipped instance may intentionally be listed twice, once for each reason.
function keyOf({ instanceId, state, code }: FleetInstanceReport): string {
  return state === "skipped" ? `skipped ${code} ${instanceId}` : instanceId;
}

function compareInstances(a: FleetInstanceReport, b: FleetInstanceReport): number {
  return (
    STANDINGS.indexOf(standingOf(a)) - STANDINGS.indexOf(standingOf(b)) ||
    compareTexts(a.code ?? "\uffff", b.code ?? "\uffff") ||
    compareTexts(a.instanceId, b.instanceId)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function countStandings(instances: readonly FleetInstanceReport[]): Record<FleetStanding, number> {
  const counts = {
    failed: 0,
    cancelled: 0,
    "not sent": 0,
    unknown: 0,
    running: 0,
    waiting: 0,
    skipped: 0,
    succeeded: 0,
  };
  for (const instance of instances) counts[standingOf(instance)] += 1;
  return counts;
}

function toCounts(standings: Readonly<Record<FleetStanding, number>>): FleetCounts {
  const { failed, cancelled, unknown, running, waiting, skipped, succeeded, "not sent": notSent } = standings;
  return {
    selected: failed + cancelled + notSent + unknown + running + waiting + succeeded,
    succeeded,
    running,
    skipped,
    failed: failed + cancelled,
    notSent: notSent + waiting,
  };
}

function countRoles(instances: readonly FleetInstanceReport[]): readonly RoleCounts[] {
  const inRoles = instances.flatMap((instance) => listRoles(instance).map((role) => ({ ...instance, role })));
  return [...Map.groupBy(inRoles, ({ role }) => role)]
    .toSorted(([a], [b]) => Number(a === undefined) - Number(b === undefined) || compareTexts(a ?? "", b ?? ""))
    .map(([role, members]) => ({ role, counts: countStandings(members), total: members.length }));
}

function listRoles({ roles }: FleetInstanceReport): readonly (string | undefined)[] {
  return roles.length === 0 ? [undefined] : [...new Set(roles)];
}

/** One kind of failure of a run's instances. */
export interface FailureCause {
  readonly code: string;
  readonly responseCode?: number;
  /** The last line of the first one; absent without output. */
  readonly example?: string;
  /** In the order that they were given in. */
  readonly instanceIds: readonly string[];
}

/**
 * Groups equal failures: the same code, the same exit code, and a last line that differs only in ids and numbers. The
 * most frequent first.
 */
export function groupFailures(failing: readonly FleetInstanceReport[]): readonly FailureCause[] {
  const groups = Map.groupBy(failing, toKey);
  return [...groups.values()].map(toCause).toSorted((a, b) => b.instanceIds.length - a.instanceIds.length);
}

/** Returns an instance's last line: of its error stream, else of the other. */
export function findSaid({ stderrTail, stdoutTail }: FleetInstanceReport): string | undefined {
  return findLastLine(stderrTail) ?? findLastLine(stdoutTail);
}

const MAX_EXAMPLE = 300;

function toKey(instance: FleetInstanceReport): string {
  const { code, responseCode } = instance;
  const said = (findSaid(instance) ?? "").replaceAll(/[0-9a-f]{6,}|\d+/giu, "#");
  return [code, responseCode, said].join("\n");
}

function toCause(instances: readonly FleetInstanceReport[]): FailureCause {
  const [first] = instances;
  const example = first && findSaid(first);
  return defined({
    code: first?.code ?? "FAILED",
    responseCode: first?.responseCode,
    example: example === undefined ? undefined : toCell(example, MAX_EXAMPLE),
    instanceIds: instances.map(({ instanceId }) => instanceId),
  });
}

/** Formats the state of a run in one sentence. */
export function formatVerdict({ counts, standings, endedAt }: FleetReport): string {
  const { selected, succeeded, failed } = counts;
  const notSent = standings["not sent"];
  if (selected === 0) return "No instance was selected.";
  if (standings.waiting === selected) return `${formatCount(selected)}, and nothing was sent yet.`;
  const bad = failed + notSent;
  if (endedAt === undefined && standings.running + standings.waiting > 0) {
    return `${succeeded + bad} of ${formatCount(selected)} are done: ${succeeded} succeeded, ${bad} failed.`;
  }
  if (bad === 0) return formatGood({ selected, succeeded, unknown: standings.unknown });
  const left = notSent === 0 ? "" : ` ${notSent} of them ${notSent === 1 ? "was" : "were"} not sent to.`;
  return `${bad} of ${formatCount(selected)} failed.${left}${formatLost(standings.unknown)}`;
}

function formatGood(counts: Record<"selected" | "succeeded" | "unknown", number>): string {
  const { selected, succeeded, unknown } = counts;
  if (unknown > 0) return `${succeeded} of ${formatCount(selected)} succeeded.${formatLost(unknown)}`;
  return selected === 1 ? "The instance succeeded." : `All ${selected} instances succeeded.`;
}

function formatLost(unknown: number): string {
  return unknown === 0 ? "" : ` The end of ${unknown} is unknown.`;
}

/** Facts of the whole run, as names and values. */
export function listRunFacts(report: FleetReport): readonly (readonly [string, string])[] {
  const { runId, source, artifact, startedAt, endedAt } = report;
  const version = artifact?.versionId === undefined ? "" : ` (version ${artifact.versionId})`;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["Run", runId],
    ["Started by", source === undefined ? undefined : (SOURCES.get(source) ?? source)],
    ["Artifact", artifact && `s3://${artifact.bucket}/${artifact.key}${version}`],
    ["Started", startedAt === undefined ? undefined : toInstant(startedAt)],
    ["Ended", endedAt === undefined ? undefined : toInstant(endedAt)],
    ["Took", startedAt === undefined || endedAt === undefined ? undefined : toLength(endedAt - startedAt)],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, toCell(value, 1_200)] as const]));
}

const SOURCES: ReadonlyMap<string, string> = new Map([
  ["pipeline", "a pipeline"],
  ["bootstrap", "the start of an instance"],
  ["command", "a command"],
  ["task", "a task of a machine"],
]);

/** Formats an exit code; SSM reports -1 for commands that have not started. */
export function toExit(responseCode: number | undefined): string {
  return responseCode === undefined || responseCode === -1 ? "" : String(responseCode);
}

/** Formats a duration in its largest two units: `4m 12s`, `0.4s`. */
export function toLength(ms: number): string {
  if (!(ms >= 0)) return "";
  if (ms < 10_000) return `${Math.round(ms / 100) / 10}s`;
  const seconds = Math.round(ms / 1_000);
  const units = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  const shown = units.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count}${unit}`).join(" ");
}

const MAX_INSTANT = 8_640_000_000_000_000;

/** Formats an instant as ISO 8601 in UTC with whole seconds. Returns other values unchanged. */
export function toInstant(ms: number): string {
  if (!(Math.abs(ms) <= MAX_INSTANT)) return String(ms);
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}

function formatCount(count: number): string {
  return count === 1 ? "1 instance" : `${count} instances`;
}

/** The meaning of a code, and the remedy. */
export interface CodeAdvice {
  readonly meaning: string;
  readonly advice: string;
}

/**
 * Explains a code to people who see a report for the first time; undefined for codes of AWS services, which are
 * self-explanatory.
 */
export function explainCode(code: string): CodeAdvice | undefined {
  return ADVICE.get(code);
}

const ADVICE: ReadonlyMap<string, CodeAdvice> = new Map(
  Object.entries({
    COMMAND_FAILED: [
      "The command ran on the instance and ended with an exit code that is not zero.",
      "Read its output, fix the playbook, the artifact or the instance, and retry the run.",
    ],
    EXECUTION_TIMEOUT: [
      "The command exceeded its time limit and was stopped. With the status `InProgress`: Systems Manager has lost it, and what it has done is unknown.",
      "Check the end of its output. Raise `timeout`, or find what hangs.",
    ],
    DELIVERY_TIMEOUT: [
      "The command did not reach the instance in time: the instance is stopped or unreachable, or its agent is not running.",
      "Check the instance and its agent (`amazon-ssm-agent`), then retry the run.",
    ],
    UNDELIVERABLE: [
      "Systems Manager does not know the instance, or its agent does not answer.",
      "Check the agent, the instance profile (AmazonSSMManagedInstanceCore) and the network path to the endpoints of Systems Manager.",
    ],
    INVALID_PLATFORM: [
      "The document does not support the platform of the instance, so nothing was run.",
      "Select instances of the document's platforms, or use a document for this platform.",
    ],
    INSTANCE_ACCESS_DENIED: [
      "Systems Manager may not run commands on the instance for this caller, so nothing was run.",
      "Allow `ssm:SendCommand` on the instance to the role. A policy with conditions on addresses must let AWS services pass (`aws:ViaAWSService`).",
    ],
    CANCELLED: ["The run was cancelled before the command ended.", "Retry the run if it is still wanted."],
    TERMINATED: [
      "Systems Manager stopped the command because too many others failed.",
      "Fix the cause of the other failures, then retry the run.",
    ],
    RUN_ENDED: [
      "The run ended before the command did: it was cancelled, or its time was over. What became of the command is not known here.",
      "Look at the command in Systems Manager, or run it again.",
    ],
    NOT_SENT: [
      "No command was sent to the instance: more instances failed than `maxErrors` allows, or the command was rejected.",
      "Fix the cause of the other failures, then retry. The instance is unchanged.",
    ],
    SSM_NOT_ONLINE: [
      "The agent of the instance is not connected to Systems Manager.",
      "Check the agent, the instance profile and the network path to the endpoints of Systems Manager.",
    ],
    SSM_NOT_REGISTERED: [
      "The instance has never registered with Systems Manager.",
      "Install the agent and give the instance a profile with AmazonSSMManagedInstanceCore.",
    ],
    SSM_AGENT_TIMEOUT: [
      "The instance started, but its agent did not register in time.",
      "Check the agent in the image, the instance profile and the network, then retry the run.",
    ],
    SSM_THROTTLED: [
      "Systems Manager throttled every try: the account sends too many requests.",
      "Retry later with a lower concurrency.",
    ],
    INSTANCE_GONE: ["The instance was stopped or terminated during the run.", "Nothing, if that was intended."],
    INVALID_INSTANCE_ID: ["The id is not a valid instance id.", "Correct the id."],
    DUPLICATE: ["The instance was listed twice; it gets one command.", "Nothing."],
    STATE_NOT_RUNNING: ["The instance is not running.", "Start it to have it configured."],
    TAG_MISSING: [
      "The instance does not have the tag of the fleet.",
      "Add the tag if the instance belongs to the fleet.",
    ],
    TAG_VALUE: [
      "The tag of the instance has another value. Values are compared exactly.",
      "Fix the value if the instance belongs to the fleet.",
    ],
    PLATFORM_MISMATCH: [
      "The run is not for the platform of the instance.",
      "Use a profile for its platform if needed.",
    ],
    NO_ROLES: [
      "The instance has no role in its tag, so there was nothing to configure.",
      "Set roles if it needs some.",
    ],
    ROLE_NAME_INVALID: [
      "A role in the tag of the instance is not a valid name of an inventory group.",
      "Use letters, digits, `_` and `-`, beginning with a letter or `_`; at most 63 characters.",
    ],
    TOO_MANY_ROLES: [
      "The tag of the instance names more than 50 roles.",
      "Use fewer roles, or a role that includes others.",
    ],
    ACCESS_DENIED: ["AWS denied the request.", "Grant the permission in the message to the dispatcher's role."],
    AWS_UNAVAILABLE: ["A service of AWS did not answer.", "Retry later."],
  } satisfies Record<string, readonly [string, string]>).map(([code, [meaning = "", advice = ""]]) => [
    code,
    { meaning, advice },
  ]),
);

/** The codes that are explained. */
export const CODES: readonly string[] = [...ADVICE.keys()];

/** The message of `Stackyard-ApplyArtifact` if its script fails before running anything: `stackyard: CODE: text`. */
const OWN_LINE = /^stackyard: ([A-Z][A-Z_]+): /;

/** Explains an instance's last line if it is from our script; undefined for other programs. */
export function explainSaid(line: string | undefined): CodeAdvice | undefined {
  const [, code = ""] = OWN_LINE.exec(line ?? "") ?? [];
  const advice = OUTPUT_ADVICE.get(code);
  if (advice === undefined) return undefined;
  return { meaning: "The artifact was not run. The line below contains the reason.", advice };
}

const OUTPUT_ADVICE: ReadonlyMap<string, string> = new Map([
  ["ALREADY_RUNNING", "Wait for the other run on the host, then run again what failed."],
  ["ARTIFACT_CHECKSUM_MISMATCH", "Find out who has changed the artifact after it was chosen; build it again."],
  [
    "ARTIFACT_DOWNLOAD_FAILED",
    "Allow the instance profile to read the artifact and its key, and check the network route to S3.",
  ],
  ["ARTIFACT_UNREADABLE", "Build the artifact again, as a zip archive; `unzip` or `python3` must be on the instance."],
  ["ARTIFACT_UNSAFE", "Take links and paths that lead out of it from the artifact."],
  ["ENTRY_POINT_MISSING", "Put the file into the artifact, or use a profile with another one."],
  ["INSTANCE_TAGS_HIDDEN", "Switch `InstanceMetadataTags` on for the instance."],
  ["LOCK_UNUSABLE", "Look at the permissions on the instance; the script runs as root."],
  ["METADATA_UNAVAILABLE", "Switch the instance metadata service on (IMDSv2)."],
  ["NO_INSTANCE_PROFILE", "Give the instance a profile with `AmazonSSMManagedInstanceCore`."],
  ["PARAMETER_INVALID", "Check the document and its sender: the built-in profiles never send this value."],
  ["ROLE_NAME_INVALID", "Correct the tag `Ansible_Roles` of the instance."],
  ["TOOL_MISSING", "Install the tool on the instance."],
]);

/** Characters that a terminal or a browser interprets: control characters, and those that change text direction. */
const OBEYED = /(?![\n\t])\p{Cc}|[\u200b-\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

// The introducers of escape sequences, with seven and with eight bits, and their ends.
const [ESC, CSI, OSC, BEL, ST] = ["\u001b", "\u009b", "\u009d", "\u0007", "\u009c"];

/** Escape sequences: titles and links, colors and moves, and those of two characters. `node:util` is missing in browsers. */
const SEQUENCE = new RegExp(
  [
    `(?:${ESC}\\]|${OSC})[^${BEL}${ESC}${ST}]*(?:${BEL}|${ESC}\\\\|${ST})`,
    `(?:${ESC}\\[|${CSI})[0-?]*[ -/]*[@-~]`,
    `${ESC}[ -/]*[0-~]`,
  ].join("|"),
  "g",
);

/** Cleans programs' output: no escape sequences, no control characters except line ends. */
export function toCleanText(text: string): string {
  // Removing sequences may form new ones.
  const plain = text.replaceAll("\r\n", "\n").replaceAll("\r", "\n").replaceAll(SEQUENCE, "");
  return plain.replaceAll(SEQUENCE, "").replaceAll(OBEYED, "").toWellFormed();
}

/** Returns the same on one line, at most `maxCharacters` UTF-16 units; `…` marks a cut. */
export function toCell(text: string, maxCharacters = 80): string {
  return cutText(toCleanText(text).replaceAll(/\s+/gu, " ").trim(), maxCharacters);
}

/** Returns the last line that is not blank; undefined without one. */
export function findLastLine(text: string | undefined): string | undefined {
  return toCleanText(text ?? "")
    .split("\n")
    .findLast((line) => line.trim() !== "")
    ?.trim();
}
