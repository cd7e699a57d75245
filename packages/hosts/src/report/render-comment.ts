import type { ListItem, PhrasingContent, RootContent } from "mdast";
import { toMarkdown } from "mdast-util-to-markdown";
import type { OpenApproval } from "../delivery/approve-by-comment.ts";
import type { PreviewCommits, PreviewFacts, PreviewFailure, PreviewLink } from "./describe-preview.ts";
import type { PreviewPhase } from "./preview-phase.ts";
import { toLastLines, toLine } from "./safe-text.ts";

/** The content of the comment of a pull request. */
export interface PullReport {
  /** The yard: two of them may report to one pull request. 1 to 64 letters and digits. */
  readonly yardId: string;
  readonly previews: readonly PreviewFacts[];
  /** The head of a fork that is not trusted yet. */
  readonly untrustedHead?: string;
  /** Answers to commands, the oldest first. Foreign texts. */
  readonly answers: readonly string[];
}

/** GitHub takes 65,536 characters. */
const MAX_CHARACTERS = 60_000;
const MAX_REASON = 1_000;
const MAX_VALUE = 300;
/** The sizes of a comment, tried in this order until one fits. */
const SIZES: readonly CommentSize[] = [
  { previews: 20, log: { lines: 60, characters: 8_000 } },
  { previews: 20, log: { lines: 20, characters: 1_500 } },
  { previews: 10, log: { lines: 5, characters: 300 } },
];

interface CommentSize {
  readonly previews: number;
  readonly log: { readonly lines: number; readonly characters: number };
}

/** Returns the hidden first line by which a yard recognizes its comment. Foreign texts go only into code nodes. */
export function toMarker(yardId: string): string {
  return `<!-- stackyard ${yardId} -->`;
}

/**
 * Returns the comment as Markdown, of at most 60,000 characters. Foreign texts are code: no mentions, links or HTML.
 */
export function renderComment(report: PullReport): string {
  const rendered = SIZES.map((size) => () => toMarkdown({ type: "root", children: toContent(report, size) }));
  const fitting = rendered.map((render) => render()).find((text) => text.length <= MAX_CHARACTERS);
  return (
    fitting ?? toMarkdown({ type: "root", children: toContent({ ...report, previews: [] }, SIZES[0] as CommentSize) })
  );
}

/** Returns the part about one stack, as Markdown of at most 20,000 characters. */
export function renderPreview(preview: PreviewFacts): string {
  return toMarkdown({ type: "root", children: toPreview(preview, { lines: 60, characters: 8_000 }) });
}

/** Returns how the head of a fork becomes trusted, as Markdown. */
export function renderTrust(head: string): string {
  return toMarkdown({ type: "root", children: [toTrust(head)] });
}

function toContent(report: PullReport, { previews, log }: CommentSize): RootContent[] {
  const shown = report.previews.slice(0, previews);
  const more = report.previews.length - shown.length;
  return [
    html(toMarker(report.yardId)),
    ...shown.flatMap((preview) => toPreview(preview, log)),
    ...(more > 0 ? [paragraph(text(`${more} more stacks belong to this pull request.`))] : []),
    ...(report.untrustedHead === undefined ? [] : [toTrust(report.untrustedHead)]),
    ...report.answers.map((answer) => paragraph(code(answer, MAX_REASON))),
  ];
}

function toTrust(head: string): RootContent {
  return paragraph(
    text(
      "This pull request comes from a fork, and nothing runs for its newest commit yet. After a review, a person with write permission comments ",
    ),
    code(`/preview trust ${head}`, MAX_VALUE),
    text("."),
  );
}

const PHASES: Readonly<Record<PreviewPhase, string>> = {
  working: "is being changed",
  waiting: "waits for approval",
  ready: "is ready",
  asleep: "is asleep",
  quiet: "is",
  failed: "has failed",
  ended: "has ended",
  absent: "does not exist",
};

function toPreview(preview: PreviewFacts, log: CommentSize["log"]): RootContent[] {
  const { stackId, state, phase, failure } = preview;
  const isIn = state === undefined ? [] : [text(" in the state "), code(state, MAX_VALUE)];
  const said = ` ${PHASES[phase]}${state === undefined || phase === "quiet" ? "" : ","}`;
  const heading = [text("Preview "), code(stackId, MAX_VALUE), text(said), ...isIn];
  const items = listItems(preview);
  return [
    { type: "heading", depth: 4, children: heading },
    ...(items.length === 0 ? [] : [{ type: "list" as const, spread: false, children: [...items] }]),
    ...(failure === undefined ? [] : toFailure(failure, log)),
  ];
}

function listItems(preview: PreviewFacts): readonly ListItem[] {
  const { url, kept, reason, until, plan, monthlyCost, expiresAt, owner, drift, links, approvals = [] } = preview;
  return [
    ...(url === undefined ? [] : [item("Open", [link(url, url)])]),
    ...toCommits(preview),
    ...(preview.phase === "asleep" ? [item("Wake it", [text("comment "), code("/preview wake", MAX_VALUE)])] : []),
    ...toLinks("Actions", preview.actions ?? []),
    ...toItem("Not removed, because", kept, MAX_REASON),
    ...toItem("Why", reason, MAX_REASON),
    ...toItem("Until", until === undefined ? undefined : formatInstant(until)),
    ...approvals.map(toApproval),
    ...toItem("Plan", plan),
    ...toItem("Cost", monthlyCost === undefined ? undefined : `${monthlyCost.toFixed(2)} USD a month`),
    ...toItem("Expires", expiresAt === undefined ? undefined : formatInstant(expiresAt)),
    ...toItem("Owner", owner),
    ...toItem("Drift", drift),
    ...toLinks("Links", links),
    ...(preview.console === undefined ? [] : [item("Details", [link("console", preview.console)])]),
  ];
}

/** Names the commit that runs, and the newest one if that is another. */
function toCommits({ phase, commits }: PreviewFacts): readonly ListItem[] {
  if (commits === undefined) return [];
  const { running, elsewhere, newest, verdict } = commits;
  const isOld = running !== undefined && running !== newest;
  const isAtRest = phase === "ready" || phase === "asleep" || phase === "quiet";
  const isElsewhere = elsewhere !== undefined && !isOld;
  const done = isElsewhere ? "Was ready before" : "Commit";
  const label = verdict.kind === "done" ? done : STANDINGS[verdict.kind];
  const why = verdict.why === undefined ? [] : [text(", because "), code(verdict.why, MAX_REASON)];
  return [
    ...(isOld ? [item(isAtRest ? "Runs" : "Was ready last", [code(toShort(running), MAX_VALUE)])] : []),
    ...(isElsewhere ? [toElsewhere(elsewhere.commit)] : []),
    item(label, [code(toShort(newest), MAX_VALUE), ...why]),
  ];
}

const STANDINGS: Readonly<Record<Exclude<PreviewCommits["verdict"]["kind"], "done">, string>> = {
  pending: "Does not run yet",
  failed: "Does not run",
  replaced: "Was replaced",
  ended: "Was not ready",
};

function toElsewhere(commit: string | undefined): ListItem {
  if (commit === undefined) return item("Runs", [text("an unknown commit: the value of its key names none")]);
  return item("Was given", [code(toShort(commit), MAX_VALUE)]);
}

function toShort(head: string): string {
  return head.slice(0, 7);
}

function toLinks(label: string, links: readonly PreviewLink[]): readonly ListItem[] {
  return links.length === 0 ? [] : [item(label, joinWith(links.map(({ name, url }) => link(name, url))))];
}

function toItem(label: string, value: string | undefined, most = MAX_VALUE): readonly ListItem[] {
  return value === undefined || toLine(value, most) === "" ? [] : [item(label, [code(value, most)])];
}

function toApproval({ task, code: answer, of }: OpenApproval): ListItem {
  const what = of === undefined ? [] : [text(" of "), code(of, MAX_VALUE)];
  const how = [text(" by the comment "), code(`/preview approve ${answer}`, MAX_VALUE)];
  return item("Approve", [code(task, MAX_VALUE), ...what, ...how]);
}

function item(label: string, value: readonly PhrasingContent[]): ListItem {
  return { type: "listItem", spread: false, children: [paragraph(text(`${label}: `), ...value)] };
}

function joinWith(nodes: readonly PhrasingContent[]): readonly PhrasingContent[] {
  return nodes.flatMap((node, index) => (index === 0 ? [node] : [text(", "), node]));
}

function toFailure(
  { task, code: why, message = "", log = "" }: PreviewFailure,
  size: CommentSize["log"],
): RootContent[] {
  const said = toLastLines(message, { lines: 20, characters: 2_000 });
  const lines = toLastLines(log, size);
  return [
    html("<details>\n<summary>Why it failed</summary>"),
    paragraph(
      text("Task "),
      code(task, MAX_VALUE),
      ...(why === undefined ? [] : [text(" with "), code(why, MAX_VALUE)]),
    ),
    ...(said === "" ? [] : [block(said)]),
    ...(lines === "" ? [] : [paragraph(text("The end of its log:")), block(lines)]),
    html("</details>"),
  ];
}

/** Formats an instant as `2026-01-31 12:00 UTC`. */
export function formatInstant(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

// The functions below make nodes. `text` and `html` are for texts of this file only.
function text(value: string): PhrasingContent {
  return { type: "text", value };
}

function html(value: string): RootContent {
  return { type: "html", value };
}

function code(value: string, most: number): PhrasingContent {
  // An empty code node would be two backticks, which open one.
  return { type: "inlineCode", value: toLine(value, most) || "–" };
}

function block(value: string): RootContent {
  return { type: "code", value };
}

function link(name: string, url: string): PhrasingContent {
  return { type: "link", url, children: [{ type: "inlineCode", value: toLine(name, MAX_VALUE) || "–" }] };
}

function paragraph(...children: PhrasingContent[]) {
  return { type: "paragraph" as const, children };
}
