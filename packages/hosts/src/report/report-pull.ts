import { createHash } from "node:crypto";
import type { ServiceDeps } from "@stackyard/core";
import { findPullLinks } from "@stackyard/core/services";
import { loadPreview, type PreviewDeps } from "./load-previews.ts";
import { renderComment, toMarker } from "./render-comment.ts";
import type { ReportHost } from "./report-host.ts";
import { applyRequest, type OpenReport, openReport, type ReportRequest, type StoredReport } from "./report-records.ts";
import { type Spending, spendBudget, toBudget } from "./spend-budget.ts";

/** What a report is made with. */
export interface ReportDeps extends PreviewDeps, Pick<ServiceDeps, "records" | "clock"> {
  readonly host: string;
  readonly yardId: string;
  readonly reports: ReportHost;
}

/** What became of a report. */
export type Reported =
  /** `isBusy`: tasks run, so it is made again soon. */
  | { readonly kind: "done"; readonly isBusy: boolean }
  /** It is too early, by the budget or after the last one. */
  | { readonly kind: "wait"; readonly until: number };

/** Of one pull request. */
const MOST_STACKS = 50;
/** Between two reports to one pull request. */
const APART_MS = 10_000;

/**
 * Brings what is said at a pull request up to what is true now. May be repeated after a crash at any point: what is written once
 * is looked up before it is written again.
 */
export async function reportPull(deps: ReportDeps, request: ReportRequest): Promise<Reported> {
  const { clock, host, reports } = deps;
  const open = await openReport(deps, host, request.place);
  const report = applyRequest(open.report, request);
  const next = report.reportedAt + APART_MS;
  if (next > clock.now()) return { kind: "wait", until: next };
  const made = await makeReport(deps, report, request);
  if (made.spending !== undefined) {
    const until = await spend(deps, report, made.spending);
    if (until !== undefined) return { kind: "wait", until };
  }
  const session = { ...deps, open, report, hasEnded: made.hasEnded };
  await keep(session, report);
  for (const { commentId, reaction } of request.answers) {
    if (commentId !== undefined) await reports.react(report.place, commentId, reaction);
  }
  if (made.needsComment) await writeComment(session, made);
  return { kind: "done", isBusy: made.isBusy };
}

interface MadeReport {
  readonly text: string;
  readonly hash: string;
  readonly needsComment: boolean;
  readonly isBusy: boolean;
  /** None of its stacks exists any more. */
  readonly hasEnded: boolean;
  /** Undefined: nothing is to be written. */
  readonly spending: Spending | undefined;
}

async function makeReport(deps: ReportDeps, report: StoredReport, request: ReportRequest): Promise<MadeReport> {
  const { place, head, isUntrusted, answers, comment } = report;
  const { repository, number } = place;
  const links = await findPullLinks(deps, { host: deps.host, repositoryId: repository.id, number });
  const previews = await Promise.all(links.slice(0, MOST_STACKS).map((link) => loadPreview(deps, link)));
  const untrusted = isUntrusted ? { untrustedHead: head } : {};
  const texts = answers.map(({ text }) => text);
  const text = renderComment({ yardId: deps.yardId, previews, answers: texts, ...untrusted });
  const hash = createHash("sha256").update(text).digest("base64url");
  const isEmpty = previews.length === 0 && texts.length === 0 && !isUntrusted;
  const isDeleted = comment?.deletedAt !== undefined && comment.deletedAt === head;
  const needsComment = !isEmpty && !isDeleted && comment?.hash !== hash;
  const hasEnded = !isUntrusted && previews.every(({ phase }) => phase === "ended");
  const reactions = request.answers.filter(({ commentId }) => commentId !== undefined).length;
  const isUrgent = comment?.id === undefined || request.answers.length > 0 || hasEnded;
  const spending = { comments: needsComment ? 1 : 0, writes: reactions, isUrgent };
  return {
    text,
    hash,
    needsComment,
    isBusy: previews.some(({ phase }) => phase === "working"),
    hasEnded,
    spending: needsComment || reactions > 0 ? spending : undefined,
  };
}

/** Takes what is going to be written out of the budget; returns when to try again if it does not fit. */
async function spend(deps: ReportDeps, { place }: StoredReport, spending: Spending): Promise<number | undefined> {
  const { records, clock, host, reports } = deps;
  const key = `hooks/budgets/${host}/${await reports.findBudget(place)}`;
  const now = clock.now();
  const found = await records.get(key, now);
  const spent = spendBudget(toBudget(found?.value), spending, now);
  if (spent.kind === "wait") return spent.until;
  const expiresAt = now + 2 * 3_600_000;
  const put = await records.put({ key, value: spent.budget, expected: found?.version ?? "absent", expiresAt, now });
  // Another report of this process was first.
  return put.kind === "written" ? undefined : now + 1;
}

interface Session extends ReportDeps {
  readonly open: OpenReport;
  readonly report: StoredReport;
  readonly hasEnded: boolean;
}

const keep = ({ open, hasEnded }: Session, report: StoredReport): Promise<void> => open.save(report, { hasEnded });

async function writeComment(session: Session, { text, hash }: MadeReport): Promise<void> {
  const { reports, report, clock } = session;
  const { place, head } = report;
  const id = report.comment?.id ?? (await adoptComment(session));
  const store = (comment: StoredReport["comment"]) =>
    keep(session, { ...report, reportedAt: clock.now(), ...(comment && { comment }) });
  if (id === undefined) {
    const created = await reports.createComment(place, text);
    return store({ id: created, hash });
  }
  const isThere = await reports.updateComment(place, id, text);
  return store(isThere ? { id, hash } : { deletedAt: head });
}

/** Finds the comment that was written before a crash, or in an earlier life of the yard's store. Later ones are deleted. */
async function adoptComment({ reports, report, yardId }: Session): Promise<number | undefined> {
  const marker = toMarker(yardId);
  const own = (await reports.listOwnComments(report.place)).filter(({ body }) => body.startsWith(marker));
  const [first, ...others] = own;
  for (const { id } of others) await reports.deleteComment(report.place, id);
  return first?.id;
}
