import { defined, keepStart } from "@stackyard/core";
import { findLink, type PreviewFacts, renderPreview, toLastLines, toLine } from "@stackyard/hosts/report";
import type { HistoryEntry, StackDetails } from "@stackyard/sdk";
import type { PhrasingContent } from "mdast";
import { toMarkdown } from "mdast-util-to-markdown";
import type { Inputs } from "./read-inputs.ts";

/** The outcome of the step. */
export interface ActionResult {
  readonly inputs?: Inputs;
  /** The known part of the event's line. */
  readonly entry?: HistoryEntry;
  /** As it is at the end. */
  readonly stack?: StackDetails | "removed";
  /** The end of the failed attempt's log. */
  readonly log?: string;
  readonly failure?: ActionFailure;
}

/** Why the step failed. */
export interface ActionFailure {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

const MAX_NAME = 300;
/** So that the whole stays far below the 1 MiB that GitHub takes of a step ("Workflow commands", job summaries). */
const MAX_MESSAGE = 4_000;

/** Returns what the job's summary says, as Markdown. Names and messages are of others: they are code, never markup or mentions. */
export function renderSummary({ inputs, entry, stack, log, failure }: ActionResult): string {
  const facts =
    inputs && stack && toFacts(inputs.event.stackId, stack, { log, isLeft: failure?.code === "LEFT_BEHIND" });
  return [
    facts === undefined ? "" : renderPreview(facts),
    inputs === undefined
      ? ""
      : toParagraph([
          code(inputs.event.event),
          text(` was ${entry?.outcome ?? "sent"} to `),
          code(inputs.event.stackId),
          text("."),
        ]),
    failure === undefined ? "" : toFailureText(failure),
  ].join("\n");
}

/** Returns a report's facts about a stack, here at the end of the wait. */
function toFacts(
  stackId: string,
  stack: StackDetails | "removed",
  { log, isLeft }: { readonly log: string | undefined; readonly isLeft: boolean },
): PreviewFacts {
  if (stack === "removed") return { stackId, phase: "ended", links: [] };
  const phase = isLeft || hasFailed(stack) ? "failed" : toPhase(stack);
  const { lastFailure } = stack;
  const isOpen = phase === "failed" && lastFailure !== undefined && lastFailure.resolvedAt === undefined;
  return {
    stackId,
    state: stack.state,
    phase,
    links: [],
    ...defined({
      reason: phase === "ready" ? undefined : stack.summary,
      url: findLink(stack.metadata["url"]),
      failure: isOpen
        ? { task: lastFailure.task, ...defined({ code: lastFailure.code, message: lastFailure.message, log }) }
        : undefined,
    }),
  };
}

function hasFailed({ failed, stalled, overdue }: StackDetails): boolean {
  return failed === true || overdue === true || stalled !== undefined;
}

function toPhase({ approvals = [], tasks }: StackDetails): PreviewFacts["phase"] {
  if (approvals.length > 0) return "waiting";
  return tasks.some(({ status }) => status === "PENDING") ? "working" : "ready";
}

function toFailureText({ code: why, message, hint = "" }: NonNullable<ActionResult["failure"]>): string {
  const shown = [cut(message), cut(hint)].filter((part) => part !== "").join("\n");
  return `${toParagraph([text("The step failed with "), code(why), text(".")])}\n${toMarkdown({ type: "code", value: shown })}`;
}

function cut(value: string): string {
  const clean = toLastLines(keepStart(value, MAX_MESSAGE), { lines: 100, characters: MAX_MESSAGE });
  return value.length > MAX_MESSAGE ? `${clean}\n… ${value.length - MAX_MESSAGE} more characters` : clean;
}

function toParagraph(children: PhrasingContent[]): string {
  return toMarkdown({ type: "paragraph", children });
}

function text(value: string): PhrasingContent {
  return { type: "text", value };
}

function code(value: string): PhrasingContent {
  return { type: "inlineCode", value: toLine(value, MAX_NAME) || "–" };
}
