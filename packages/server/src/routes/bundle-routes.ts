import { chunk, defined, isStackyardError, listPages, type Store } from "@stackyard/core";
import { mayReadDefinition } from "@stackyard/core/access";
import { StackBundle } from "@stackyard/core/api";
import { StackId } from "@stackyard/core/api/operations";
import { type LoadedStack, listProcesses, type Page, toEventKey, toPrinted } from "@stackyard/core/engine";
import { createJobs, type Jobs } from "@stackyard/core/jobs";
import { JOB_MACHINE, toGraph } from "@stackyard/core/machine";
import { Type } from "typebox";
import type { Caller } from "../access/caller.ts";
import { hasEverywhere } from "../access/guard.ts";
import { keepReadable, mayReadLine, withReadableParked } from "../access/reach.ts";
import { findIncidentPage } from "../http/console-pages.ts";
import { HttpError } from "../http/problem.ts";
import { defineRoute, type Route, streamTexts } from "../http/route.ts";
import { toHistoryEntry, toInstant } from "../schemas/event.ts";
import { toAttempt, toParked } from "../schemas/stack.ts";
import { toYardProcess } from "./health-routes.ts";
import { unknownStack } from "./operation-routes.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the export of everything about one stack in one file, to attach to an incident. */
export function bundleRoutes(deps: RouteDeps): readonly Route[] {
  return [
    defineRoute("GET", "/v1/stacks/:stackId/bundle", {
      operationId: "getStackBundle",
      permission: "read",
      subject: "stack",
      audited: true,
      tag: "stacks",
      summary:
        "Everything about a stack in one JSON document of at most 32 MiB: details, the graph of the machine, attempts with the ends of their logs, parked events, processes, the newest 10,000 lines of the history, and the revisions that they name. Sensitive values are masked. Processes are there for callers that may read the whole yard, and lines of an earlier stack of the same id for those that may read its machine. With `as=page`, one HTML file that contains the document and shows it: it opens without a yard and loads nothing.",
      params: { stackId: StackId },
      query: { as: Type.Optional(Type.Union([Type.Literal("json"), Type.Literal("page")], { default: "json" })) },
      answers: {
        200: {
          description: "The document. `cut` names the parts that are not whole.",
          schema: StackBundle,
        },
        404: {
          description:
            "STACK_UNKNOWN: neither the stack nor a history of it exists. NOT_FOUND: the server has no console, so no page.",
        },
      },
      async handle({ params: { stackId }, query: { as } }, { caller, sender }) {
        const form = as === "page" ? toPageForm(deps) : JSON_FORM;
        const bundle = await openBundle(deps, { stackId, caller, write: form.write });
        const action = { action: "getStackBundle", who: sender, via: "api", on: { stackId } };
        await deps.audit.write({ ...action, outcome: "done" });
        return toDownload(form.wrap(bundle), stackId, form);
      },
    }),
  ];
}

/** A kind of file in which a bundle is. */
interface Form {
  readonly extension: string;
  readonly contentType: string;
  /** Returns a value as JSON that is safe in the file. */
  readonly write: (value: unknown) => string;
  /** Puts around the document what the file has besides. */
  readonly wrap: (document: AsyncIterable<string>) => AsyncIterable<string>;
}

const JSON_FORM: Form = {
  extension: "json",
  contentType: "application/json",
  write: (value) => JSON.stringify(value),
  wrap: (document) => document,
};

/** Returns the form of a page, which contains the document in an element of its own. */
function toPageForm({ settings }: RouteDeps): Form {
  const page = settings.console === false ? undefined : findIncidentPage(settings.console);
  if (page === undefined) {
    throw new HttpError(404, "NOT_FOUND", "The server has no console, so no page. Ask for the JSON document.");
  }
  return {
    extension: "html",
    contentType: "text/html; charset=utf-8",
    // Markup begins with `<`, and JSON has it in strings only: no text of a log ends the element that it is in.
    write: (value) => JSON.stringify(value).replaceAll("<", "\\u003c"),
    async *wrap(document) {
      yield page.before;
      yield* document;
      yield page.after;
    },
  };
}

/** The maximum size of the whole document, in bytes. */
const MOST_BYTES = 32 * 1_048_576;
/** Start of the last part in bytes, so that its first items fit. */
const BEFORE_REVISIONS = 28 * 1_048_576;
const MOST_LINES = 10_000;
const MOST_REVISIONS = 50;
const PAGE = { limit: 500 };

interface OpenInput {
  readonly stackId: string;
  readonly caller: Caller;
  readonly write: Form["write"];
}

/** Loads the stack before the response starts, so that a missing stack is an error and not a broken document. */
async function openBundle(
  deps: RouteDeps,
  { stackId, caller, write }: OpenInput,
): Promise<AsyncGenerator<string, void>> {
  const { store, guard, clock, explainer, planner, version } = deps;
  const [found] = await store.load([stackId]);
  const loaded = found && withReadableParked(caller, found);
  const explained = loaded && (await explainer.explain(loaded));
  const details = explained && {
    ...explained,
    attempts: await keepReadable(guard, caller, explained.attempts),
  };
  const report = await findReport(deps, { stackId, caller, machine: loaded?.stack?.machine });
  const newest = await store.queries.listHistory({ stackId, newestFirst: true }, { limit: 1 });
  const isKnown = details !== undefined || report !== undefined || hasRows(newest);
  if (!isKnown) throw unknownStack(stackId);
  const machine = details && (await planner.findRevision(details.machineHash));
  const graph = machine && toGraph(machine);
  const createdAt = toInstant(clock.now());
  const head = { format: 1, stackId, createdAt, version, stack: details ?? null, ...defined({ graph }) };
  const hashes = new Set(details === undefined ? [] : [details.machineHash]);
  const processes = hasEverywhere(caller.rights, "read") ? listAllProcesses(deps) : [];
  return writeBundle(write, head, [
    { name: "attempts", most: BEFORE_REVISIONS, items: listAttempts(deps, stackId, caller) },
    { name: "parked", most: BEFORE_REVISIONS, items: listParkedEvents(store, loaded) },
    { name: "processes", most: BEFORE_REVISIONS, items: processes },
    ...(report ?? []),
    { name: "history", most: BEFORE_REVISIONS, items: listLines(deps, { stackId, caller, hashes }) },
    { name: "revisions", most: MOST_BYTES, items: listRevisions(store, { stackId, caller, hashes }) },
  ]);
}

interface ReportInput extends Omit<OpenInput, "write"> {
  readonly machine: string | undefined;
}

/** Returns the pages of the report of a job, or of a task, which only those may read who may read everything. */
async function findReport(
  deps: RouteDeps,
  { stackId, caller, machine }: ReportInput,
): Promise<readonly Part[] | undefined> {
  if (machine !== JOB_MACHINE && !(machine === undefined && hasEverywhere(caller.rights, "read"))) return undefined;
  const jobs = createJobs(deps);
  try {
    const { items } = await jobs.reportPage(stackId, { limit: 1 });
    if (items.length === 0) return undefined;
    return [{ name: "report", most: BEFORE_REVISIONS, items: listReport(jobs, stackId) }];
  } catch (error) {
    // Ids of stacks have other characters too.
    if (isStackyardError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

async function* listReport(jobs: Jobs, stackId: string) {
  for await (const page of listPages((start) => jobs.reportPage(stackId, { limit: 10, ...start }))) {
    yield* page.items;
    yield* toGap(page);
  }
}

interface Part {
  readonly name: string;
  /** Bytes of the document beyond which the part is cut. */
  readonly most: number;
  readonly items: AsyncIterable<unknown> | Iterable<unknown>;
}

/** The mark at the end of a part that has more items than it may have. */
const MORE = Symbol("more");
/** In place of items that cannot be read. */
const GAP = Symbol("gap");

function hasRows({ items, unreadable = [] }: Page<unknown>): boolean {
  return items.length + unreadable.length > 0;
}

function toGap({ unreadable }: Page<unknown>): readonly unknown[] {
  return unreadable === undefined ? [] : [GAP];
}

async function* skipGaps(items: Part["items"], onGap: () => void): AsyncGenerator<unknown, void> {
  for await (const item of items) {
    if (item === GAP) onGap();
    else yield item;
  }
}

/** Yields the document in pieces and keeps one item in memory at a time. */
async function* writeBundle(write: Form["write"], head: object, parts: readonly Part[]): AsyncGenerator<string, void> {
  const cut = new Set<string>();
  const first = write(head).slice(0, -1);
  let bytes = Buffer.byteLength(first);
  yield first;
  for (const { name, most, items } of parts) {
    yield `,"${name}":[`;
    let comma = "";
    for await (const item of skipGaps(items, () => cut.add(name))) {
      const text = item === MORE ? "" : `${comma}${write(item)}`;
      const isTooMuch = bytes + Buffer.byteLength(text) > most - RESERVED;
      if (item === MORE || isTooMuch) {
        cut.add(name);
        break;
      }
      bytes += Buffer.byteLength(text);
      comma = ",";
      yield text;
    }
    yield "]";
  }
  yield `,"cut":${JSON.stringify([...cut])}}\n`;
}

/** For names, brackets and the list of what was cut. */
const RESERVED = 1_024;

async function* listAttempts({ store, guard }: RouteDeps, stackId: string, caller: Caller) {
  for (const attempt of await keepReadable(guard, caller, await store.queries.listAttempts(stackId))) {
    const { log } = (attempt.hasLog && (await store.findAttempt(attempt.attemptId))) || {};
    yield { ...toAttempt(attempt), ...defined({ log }) };
  }
}

async function* listAllProcesses({ store, clock }: RouteDeps) {
  const now = clock.now();
  for await (const page of listPages((start) => listProcesses(store.records, { ...PAGE, ...start, now }))) {
    for (const process of page.items) yield toYardProcess(process);
    yield* toGap(page);
  }
}

interface LinesInput {
  readonly stackId: string;
  readonly caller: Caller;
  readonly hashes: Set<string>;
}

/** Yields lines, newest first, if the caller may read their machine. Adds their revisions to `hashes`. */
async function* listLines(
  { store, subjects }: RouteDeps,
  { stackId, caller, hashes }: LinesInput,
): AsyncGenerator<unknown, void> {
  let count = 0;
  const filter = { stackId, newestFirst: true };
  for await (const page of listPages((start) => store.queries.listHistory(filter, { ...PAGE, ...start }))) {
    yield* toGap(page);
    for (const line of page.items) {
      if (!(await mayReadLine(subjects, caller, line))) continue;
      count += 1;
      if (count > MOST_LINES) {
        yield MORE;
        return;
      }
      if (line.machineHash !== undefined) hashes.add(line.machineHash);
      yield toHistoryEntry(line);
    }
  }
}

async function* listRevisions(store: Store, { stackId, caller, hashes }: LinesInput) {
  const wanted = [...hashes];
  for (const hash of wanted.slice(0, MOST_REVISIONS)) {
    const revision = await store.revisions.get(hash);
    if (revision === undefined) continue;
    const isReadable = mayReadDefinition(caller.rights, { machine: revision.name, jobs: [stackId] });
    if (isReadable) yield { ...revision, firstSeenAt: toInstant(revision.firstSeenAt) };
  }
  if (wanted.length > MOST_REVISIONS) yield MORE;
}

function toDownload(parts: AsyncIterable<string>, stackId: string, { extension, contentType }: Form): Response {
  const name = stackId.replaceAll(/[^A-Za-z0-9._-]/g, "_").slice(0, 100);
  return streamTexts(parts, {
    "content-type": contentType,
    "content-disposition": `attachment; filename="stackyard-${name}.${extension}"`,
  });
}

/** Messages of parked events may be large, and a stack may have many of them. */
const PARKED_AT_ONCE = 20;

async function* listParkedEvents(store: Pick<Store, "loadParked">, loaded: LoadedStack | undefined) {
  for (const heads of chunk(loaded?.parked ?? [], PARKED_AT_ONCE)) {
    const keys = heads.map(({ event }) => toEventKey(event));
    const events = await store.loadParked(heads[0]?.event.stackId ?? "", keys);
    const byKey = new Map(events.map((each) => [toEventKey(each.event), each]));
    for (const each of keys.flatMap((key) => byKey.get(key) ?? [])) {
      yield { ...toParked(each), message: toPrinted.message(each) };
    }
  }
}
