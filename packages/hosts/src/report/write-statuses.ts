import { defined, StackyardError } from "@stackyard/core";
import type { PreviewLink } from "@stackyard/core/services";
import { digestOf } from "../delivery/describe-delivery.ts";
import type { ReportKind } from "../host-options.ts";
import { type CommitNotes, type CommitVerdict, evaluateNote } from "./commit-notes.ts";
import type { PreviewFacts } from "./describe-preview.ts";
import type { PreviewPhase } from "./preview-phase.ts";
import {
  type NamedYard,
  renderCheck,
  renderSummaryCheck,
  renderTrustCheck,
  type SummaryVerdict,
  toDeployment,
} from "./render-check.ts";
import type { HostCheck, PullPlace, ReportHost } from "./report-host.ts";
import type { StoredReport, StoredStatus } from "./report-records.ts";
import { requireGone } from "./require-gone.ts";

/** An outdated check or deployment. */
export interface StatusWrite {
  /** Its key in the record of the pull request. */
  readonly key: string;
  /** Requests that it takes at most. */
  readonly writes: number;
  /** Writes it, and returns the record. */
  write(): Promise<StoredStatus>;
}

/** A stack of a pull request. */
export interface LinkedPreview {
  readonly link: Pick<PreviewLink, "stackId">;
  readonly preview: PreviewFacts;
  readonly commits: CommitNotes;
}

/** The dependencies of writing statuses. */
export interface StatusDeps extends NamedYard {
  readonly reports: ReportHost;
  readonly yardId: string;
  readonly kinds: ReadonlySet<ReportKind>;
  /** The turn of all checks of the pull request. */
  readonly turn?: number;
}

/** Returns the checks and deployments of a pull request that must be written. */
export function listStatusWrites(
  given: StatusDeps,
  report: StoredReport,
  linked: readonly LinkedPreview[],
): readonly StatusWrite[] {
  const { place, head, isUntrusted, presses, statuses = {} } = report;
  const deps = { ...given, ...defined({ turn: presses }) };
  const subjects = linked.flatMap(listSubjects);
  const checks = subjects.map((subject) => toCheck(deps, place, { subject, statuses }));
  const trust = listTrustWrites(deps, place, {
    head,
    isUntrusted,
    isFollowed: linked.length > 0,
    known: statuses["check"],
  });
  const deployments = subjects.map((subject) => toDeploymentWrite(deps, place, { subject, statuses }));
  const wanted = [
    ...(deps.kinds.has("check") ? [...checks, ...trust] : []),
    ...(deps.kinds.has("deployment") ? deployments : []),
    ...(deps.kinds.has("summary") ? listSummaryWrites(deps, report, linked) : []),
  ];
  return wanted.filter((write) => write !== undefined);
}

/** Returns the writes of the one check of a pull request, and of the group of a merge queue that contains its head. */
function listSummaryWrites(
  deps: StatusDeps,
  { place, head, isUntrusted, group, statuses = {} }: StoredReport,
  linked: readonly LinkedPreview[],
): readonly (StatusWrite | undefined)[] {
  if (head === "") return [];
  const verdict = summarize(
    linked.map((each) => toVerdictOf(each, head)),
    isUntrusted,
  );
  const { yardName } = deps;
  return [SUMMARY, ...(group === undefined ? [] : [GROUP])].map((key) => {
    const check = renderSummaryCheck(key === GROUP ? (group ?? head) : head, { verdict, yardName });
    const known = statuses[key]?.head === check.head ? statuses[key] : undefined;
    return toCheckWrite(deps, place, { key, check, known });
  });
}

const SUMMARY = "summary";
const GROUP = "summary of a group";

/** Returns what a stack says of a commit. One whose events name no commit is judged by what it does now. */
function toVerdictOf(linked: LinkedPreview, head: string): SummaryVerdict {
  const { preview } = linked;
  if (preview.commits === undefined) return BY_PHASE[preview.phase];
  const found = listSubjects(linked).findLast((subject) => subject.head === head);
  return found?.verdict.kind ?? "pending";
}

const BY_PHASE: Readonly<Record<PreviewPhase, SummaryVerdict>> = {
  ready: "done",
  asleep: "done",
  quiet: "done",
  working: "pending",
  waiting: "pending",
  absent: "pending",
  failed: "failed",
  ended: "ended",
};

/** The worst verdict counts: a failure, then what is not known yet. */
function summarize(verdicts: readonly SummaryVerdict[], isUntrusted: boolean): SummaryVerdict | "none" {
  if (isUntrusted) return "pending";
  return WORST.find((kind) => verdicts.includes(kind)) ?? "none";
}

const WORST = ["failed", "pending", "ended", "replaced", "done"] as const satisfies readonly SummaryVerdict[];

interface TrustInput extends Known, Pick<StoredReport, "head" | "isUntrusted"> {
  /** The pull request has a preview. */
  readonly isFollowed: boolean;
}

/** Returns the writes about the trust in a head. What was written while one waited is ended. */
function listTrustWrites(
  deps: StatusDeps,
  place: PullPlace,
  { head, isUntrusted, isFollowed, known }: TrustInput,
): readonly (StatusWrite | undefined)[] {
  const { yardName } = deps;
  const isSame = known?.head === head;
  const state = isSame && isFollowed ? "trusted" : "replaced";
  const ended = known && renderTrustCheck(known.head, { state, yardName });
  // A check of GitHub that is completed is updated in place.
  const end = ended && toCheckWrite(deps, place, { key: isUntrusted ? ENDED : "check", check: ended, known });
  if (!isUntrusted) return [end];
  const check = renderTrustCheck(head, { state: "waits", yardName });
  const next = toCheckWrite(deps, place, { key: "check", check, known: isSame ? known : undefined });
  return isSame ? [next] : [end, next];
}

/** The check of an earlier head that was not trusted. */
const ENDED = "check before";

/** A commit that a stack was sent. */
interface Subject {
  readonly preview: PreviewFacts;
  readonly head: string;
  readonly verdict: CommitVerdict;
  /** It is the newest one, or the one that the stack was given last. */
  readonly isLast: boolean;
  /** It is the one that the stack runs. */
  readonly isRunning: boolean;
}

/** Returns the commits of a stack, the newest last. */
function listSubjects({ preview, commits: noted }: LinkedPreview): readonly Subject[] {
  const { commits, phase } = preview;
  if (commits === undefined) return [];
  const { newest, verdict, elsewhere } = commits;
  const { notes, running } = noted;
  const earlier = notes.filter((note) => note.head !== newest);
  const toSubject = (head: string, judged: CommitVerdict, isLast: boolean): Subject => ({
    preview,
    head,
    verdict: judged,
    isLast,
    isRunning: head === running,
  });
  return [
    ...earlier.map((note) => toSubject(note.head, evaluateNote(note, noted, phase), note.head === elsewhere?.commit)),
    toSubject(newest, verdict, true),
  ];
}

const toKey = (kind: "check" | "deployment", { preview: { stackId }, head }: Subject): string =>
  `${kind} ${stackId} ${head}`;

/** Returns the statuses of a report without those of commits that are forgotten. */
export function keepStatuses(
  { statuses = {} }: StoredReport,
  linked: readonly LinkedPreview[],
): NonNullable<StoredReport["statuses"]> {
  const subjects = linked.flatMap(listSubjects);
  const kept = new Set([
    "check",
    SUMMARY,
    GROUP,
    ...subjects.flatMap((each) => [toKey("check", each), toKey("deployment", each)]),
  ]);
  return Object.fromEntries(Object.entries(statuses).filter(([key]) => kept.has(key)));
}

interface StatusInput {
  readonly subject: Subject;
  readonly statuses: NonNullable<StoredReport["statuses"]>;
}

interface Known {
  readonly known: StoredStatus | undefined;
}

function toCheck(deps: StatusDeps, place: PullPlace, { subject, statuses }: StatusInput) {
  const { preview, head, verdict, isLast } = subject;
  const { yardName } = deps;
  const key = toKey("check", subject);
  const known = statuses[key];
  // The status of an earlier commit stays, unless its run was under way.
  if (!isLast && known?.isOpen !== true) return undefined;
  // A commit that never ran needs no check.
  const isOver = verdict.kind === "replaced" || verdict.kind === "ended" || preview.phase === "ended";
  if (known === undefined && isOver) return undefined;
  return toCheckWrite(deps, place, { key, check: renderCheck(preview, { head, verdict, yardName }), known });
}

function toCheckWrite(
  { reports, turn }: StatusDeps,
  place: PullPlace,
  { key, check: given, known }: Known & { readonly key: string; readonly check: HostCheck },
): StatusWrite | undefined {
  const check = turn === undefined ? given : { ...given, turn };
  const { head } = check;
  const hash = digestOf(check);
  if (known?.hash === hash) return undefined;
  return {
    key,
    writes: 3,
    async write() {
      // One that is completed does not begin again.
      const isReopened = known?.isOpen === false && check.conclusion === undefined;
      const id = await writeOnce(isReopened ? undefined : known?.id, {
        find: () => reports.findCheck(place, check),
        update: (found) => reports.updateCheck(place, found, check),
        create: () => reports.createCheck(place, check),
      });
      await endFormer(reports, place, { check, known });
      return { head, id, hash, isOpen: check.conclusion === undefined, name: check.name };
    },
  };
}

/** Ends a status that was begun under another name, such as before the yard had one. Checks are renamed by their id. */
async function endFormer(
  reports: ReportHost,
  place: PullPlace,
  { check, known }: Known & { readonly check: HostCheck },
) {
  const { name = check.name, isOpen = false } = known ?? {};
  if (!isOpen || name === check.name || !reports.countsByName) return;
  await reports.createCheck(place, { ...check, name, title: `Continues as ${check.name}`, conclusion: "cancelled" });
}

function toDeploymentWrite(
  { reports, yardId }: StatusDeps,
  place: PullPlace,
  { subject: given, statuses }: StatusInput,
): StatusWrite | undefined {
  const { preview, head, verdict, isRunning, isLast } = given;
  const key = toKey("deployment", given);
  const known = statuses[key];
  const deployment = toDeployment(preview, { verdict, isRunning, isLast });
  const hash = digestOf(deployment);
  const isOpen = deployment.state !== "inactive" && deployment.state !== "replaced";
  if (known?.hash === hash || (known === undefined && !(isLast && isOpen))) return undefined;
  if (!isLast && known?.isOpen !== true) return undefined;
  const subject = { head, stackId: preview.stackId, yardId };
  return {
    key,
    writes: 3,
    async write() {
      const id = await writeOnce(known?.id, {
        find: () => reports.findDeployment(place, subject),
        update: (found) => reports.setDeployment(place, found, deployment),
        async create() {
          // Removed together with its subject.
          if (!isOpen) {
            const isListed = async () => (await reports.findDeployment(place, subject)) === known?.id;
            await requireGone(`deployment ${known?.id}`, isListed);
            return known?.id ?? 0;
          }
          const created = await reports.createDeployment(place, subject);
          const isThere = await reports.setDeployment(place, created, deployment);
          // It is found by the list, and set, at the next try.
          if (!isThere)
            throw new StackyardError("SERVER_ERROR", `Deployment ${created} was created, and is not found.`);
          return created;
        },
      });
      return { head, id, hash, isOpen };
    },
  };
}

interface Once {
  find(): Promise<number | undefined>;
  /** Updates it; returns false when it does not exist any more. */
  update(id: number): Promise<boolean>;
  create(): Promise<number>;
}

/** Looks for what may have been written before a crash, and creates it only when it is missing. */
async function writeOnce(known: number | undefined, { find, update, create }: Once): Promise<number> {
  const id = known ?? (await find());
  return id !== undefined && (await update(id)) ? id : create();
}
