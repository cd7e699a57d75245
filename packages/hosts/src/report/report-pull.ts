import { createHash } from "node:crypto";
import type { ServiceDeps } from "@stackyard/core";
import { findPullLinks } from "@stackyard/core/services";
import type { ReportKind } from "../host-options.ts";
import { toPullKey, toStoredPull } from "../pull/pull-records.ts";
import { loadPreview, type PreviewDeps } from "./load-previews.ts";
import { renderComment, toMarker } from "./render-comment.ts";
import type { PullPlace, ReportHost } from "./report-host.ts";
import { applyRequest, type OpenReport, openReport, type ReportRequest, type StoredReport } from "./report-records.ts";
import type { Turn } from "./report-turns.ts";
import { requireGone } from "./require-gone.ts";
import { budgets, NO_BUDGET, type Spending, spendBudget } from "./spend-budget.ts";
import { keepStatuses, type LinkedPreview, listStatusWrites } from "./write-statuses.ts";

/** The dependencies of a report. */
export interface ReportDeps extends PreviewDeps, Pick<ServiceDeps, "records" | "clock"> {
  readonly host: string;
  readonly yardId: string;
  readonly reports: ReportHost;
  readonly yardName: string | undefined;
  /** The kinds of reports to write. */
  readonly kinds: ReadonlySet<ReportKind>;
}

/** The result of a report. */
export type Reported =
  /** `isBusy`: tasks run, so it is updated again soon. `hasWritten`: the host has accepted a write. */
  | { readonly kind: "done"; readonly isBusy: boolean; readonly hasWritten: boolean }
  /** It is too early, by the budget or after the last one. `room`: how soon there is room for others that wait too. */
  | { readonly kind: "wait"; readonly until: number; readonly room?: Pick<Turn, "everyMs" | "isUrgent"> };

const KEEP_BUDGET_MS = 2 * 3_600_000;
/** The most stacks of one pull request. */
const MOST_STACKS = 50;
/** The least time between two reports to one pull request, in milliseconds. */
const APART_MS = 10_000;

/**
 * Updates the reports of a pull request to the current facts. May be repeated after a crash at any point: it looks up
 * what was written before it writes again.
 */
export async function reportPull(deps: ReportDeps, request: ReportRequest): Promise<Reported> {
  const { clock, host } = deps;
  const open = await openReport(deps, host, request.place);
  const report = applyRequest(open.current(), request);
  // Stored before the first call: rejected reports are repeated from these records.
  if (open.current() === undefined) await open.save({ ...report, answers: [] });
  const next = report.reportedAt + APART_MS;
  if (next > clock.now()) return { kind: "wait", until: next };
  const { linked, ...made } = await makeReport(deps, report);
  const session = { ...deps, open, hasEnded: made.hasEnded };
  const seen = {
    ...report,
    seen: linked.map(({ link }) => link.stackId),
    commits: Object.fromEntries(linked.map(({ link, commits }) => [link.stackId, commits])),
    statuses: keepStatuses(report, linked),
  };
  const statuses = await attempt(() => writeStatuses(session, seen, { answers: request.answers, linked }));
  if (statuses.kind === "wait") return statuses;
  // People may have granted the right to comment only.
  const written = statuses.kind === "written" ? statuses.report : (open.current() ?? seen);
  const comment = await writeComment(session, written, made);
  if (statuses.kind === "failed") throw statuses.error;
  if (comment.kind === "wait") return comment;
  return { kind: "done", isBusy: made.isBusy, hasWritten: comment.report.reportedAt !== report.reportedAt };
}

async function attempt<Result>(call: () => Promise<Result>): Promise<Result | { kind: "failed"; error: unknown }> {
  try {
    return await call();
  } catch (error) {
    return { kind: "failed", error };
  }
}

interface MadeReport {
  readonly text: string;
  readonly hash: string;
  readonly needsComment: boolean;
  readonly linked: readonly LinkedPreview[];
  readonly isBusy: boolean;
  /** True if none of its stacks exists any more. */
  readonly hasEnded: boolean;
}

async function makeReport(deps: ReportDeps, report: StoredReport): Promise<MadeReport> {
  const { place, head, isUntrusted, answers, comment } = report;
  const { repository, number } = place;
  const links = await findPullLinks(deps, { host: deps.host, repositoryId: repository.id, number });
  const record = await deps.records.get(toPullKey(deps.host, repository.id, number), deps.clock.now());
  const { sent = [], last } = toStoredPull(record);
  const found = await Promise.all(
    links.slice(0, MOST_STACKS).map(async (link) => {
      const isSeen = report.seen.includes(link.stackId);
      const commits = report.commits?.[link.stackId];
      return { link, loaded: await loadPreview(deps, link, { isSeen, commits, sent, last }) };
    }),
  );
  const linked = found.flatMap(({ link, loaded }) => (loaded === undefined ? [] : [{ link, ...loaded }]));
  const previews = linked.map(({ preview }) => preview);
  const untrusted = isUntrusted ? { untrustedHead: head } : {};
  const texts = answers.map((answer) => answer.text);
  const text = renderComment({ yardId: deps.yardId, previews, answers: texts, ...untrusted });
  const hash = createHash("sha256").update(text).digest("base64url");
  const isEmpty = previews.length === 0 && texts.length === 0 && !isUntrusted;
  const isDeleted = comment?.deletedAt !== undefined && comment.deletedAt === head;
  return {
    text,
    hash,
    needsComment: deps.kinds.has("comment") && !isEmpty && !isDeleted && comment?.hash !== hash,
    linked,
    isBusy: previews.some(({ phase }) => phase === "working"),
    hasEnded: !isUntrusted && previews.every(({ phase }) => phase === "ended" || phase === "absent"),
  };
}

type Waiting = Extract<Reported, { readonly kind: "wait" }>;

/** Deducts the planned requests from the budget; returns when to retry if they do not fit. */
async function spend(deps: ReportDeps, { place }: StoredReport, spending: Spending): Promise<Waiting | undefined> {
  if (spending.comments + spending.writes === 0) return undefined;
  const { host, reports } = deps;
  const name = `${host}/${await reports.findBudget(place)}`;
  const { spent } = await budgets.change(deps, name, (found, now) => {
    const spent = spendBudget(found?.value ?? NO_BUDGET, spending, now);
    return spent.kind === "wait"
      ? { spent }
      : { spent, write: { value: spent.budget, expiresAt: now + KEEP_BUDGET_MS } };
  });
  if (spent.kind === "spent") return undefined;
  const { until, everyMs } = spent;
  return { kind: "wait", until, room: { everyMs, isUrgent: spending.isUrgent } };
}

interface Session extends ReportDeps {
  readonly open: OpenReport;
  readonly hasEnded: boolean;
}

/** The stored record. */
type Written = { readonly kind: "written"; readonly report: StoredReport } | Waiting;

/** Writes answers, checks and deployments, which never wait for comments. */
async function writeStatuses(
  session: Session,
  report: StoredReport,
  { answers, linked }: Pick<ReportRequest, "answers"> & Pick<MadeReport, "linked">,
): Promise<Written> {
  const { reports, open, hasEnded, clock, kinds } = session;
  const reactions = answers.filter(({ commentId }) => commentId !== undefined && kinds.has("comment"));
  const writes = listStatusWrites(session, report, linked);
  const count = writes.reduce((sum, each) => sum + each.writes, reactions.length);
  const waiting = await spend(session, report, { comments: 0, writes: count, isUrgent: true });
  if (waiting !== undefined) return waiting;
  let stored = report;
  await open.save(stored, { hasEnded });
  for (const { key, write } of writes) {
    const statuses = { ...stored.statuses, [key]: await write() };
    stored = { ...stored, statuses };
    await open.save(stored, { hasEnded });
  }
  // Last: a conversation that is locked has no reactions.
  for (const { commentId = 0, reaction } of reactions) await reports.react(report.place, commentId, reaction);
  return { kind: "written", report: writes.length === 0 ? stored : { ...stored, reportedAt: clock.now() } };
}

async function writeComment(
  session: Session,
  report: StoredReport,
  made: Omit<MadeReport, "linked">,
): Promise<Written> {
  const { reports, clock, open, hasEnded } = session;
  const { place, head, comment } = report;
  const isUrgent = comment?.id === undefined || hasEnded;
  if (!made.needsComment) return { kind: "written", report };
  const waiting = await spend(session, report, { comments: 1, writes: 0, isUrgent });
  if (waiting !== undefined) return waiting;
  const { text, hash } = made;
  const id = comment?.id ?? (await adoptComment(session, place));
  const store = async (stored: NonNullable<StoredReport["comment"]>): Promise<Written> => {
    const next = { ...report, reportedAt: clock.now(), comment: stored };
    await open.save(next, { hasEnded });
    return { kind: "written", report: next };
  };
  if (id === undefined) {
    const created = await reports.createComment(place, text);
    return store({ id: created, hash });
  }
  const isThere = await reports.updateComment(place, id, text);
  const isListed = async () => (await reports.listOwnComments(place)).some((own) => own.id === id);
  if (!isThere) await requireGone(`comment ${id}`, isListed);
  return store(isThere ? { id, hash } : { deletedAt: head });
}

/** Finds the comment from before a crash, or before the yard's store was replaced. Deletes later ones. */
async function adoptComment({ reports, yardId }: Session, place: PullPlace): Promise<number | undefined> {
  const marker = toMarker(yardId);
  const own = (await reports.listOwnComments(place)).filter(({ body }) => body.startsWith(marker));
  const [first, ...others] = own;
  for (const { id } of others) await reports.deleteComment(place, id);
  return first?.id;
}
