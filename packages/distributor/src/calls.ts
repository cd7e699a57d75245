import { defined, isStackyardError, mapLimited, StackyardError } from "@stackyard/core";
import { corruptRecord } from "@stackyard/core/services";
import type {
  ArtifactSummary,
  ConsumerPlace,
  CoverageRow,
  DistributorAnswers,
  DistributorReply,
  DistributorRequest,
  Manifest,
  SeenFile,
} from "@stackyard/sdk/artifacts";
import { type Cell, toPlaceKey, toSubject } from "./cell.ts";
import { changeCell, findCell, listCells } from "./cell-records.ts";
import { isDone, toCoverageCell } from "./cell-status.ts";
import { type ConsumerRecord, knownConsumers, listExpecting, requireExpecting, toConsumerView } from "./consumers.ts";
import type { DistributorContext } from "./context.ts";
import { countSilent, evaluateCoverage, expectedConsumers, settleVersion } from "./coverage.ts";
import { describeError } from "./describe-error.ts";
import { parseDistributorRequest } from "./events.ts";
import { startSet } from "./initial-set/set-step.ts";
import { listRefusals, type RefusalRecord, toRefusalView } from "./refusals.ts";
import { evaluateAdmitted } from "./trust.ts";
import {
  changeArtifact,
  findVersion,
  type ListedVersion,
  listVersions,
  openCoverage,
  toVersionKey,
  type VersionId,
} from "./versions.ts";

/** Handles a request. Never throws: an error becomes a reply with a code. */
export async function onCall(context: DistributorContext, request: unknown): Promise<DistributorReply> {
  const parsed = parseDistributorRequest(request);
  if (parsed.kind === "faulty") return { kind: "error", code: "USAGE", message: parsed.message };
  try {
    return { kind: "answer", answer: await answer(context, parsed.request) };
  } catch (error) {
    const told = describeError(error);
    if (isAnswer(error)) context.logger.info("A request was refused.", { op: parsed.request.op, ...told });
    else context.logger.error("A request failed.", { op: parsed.request.op, error });
    return { kind: "error", ...told };
  }
}

const ANSWERS: ReadonlySet<string> = new Set(["NOT_FOUND", "OUTCOME_NEGATIVE", "USAGE"]);

/** Returns true for errors of the caller, such as a mistyped name, which must not raise an alarm on the log. */
function isAnswer(error: unknown): boolean {
  return isStackyardError(error) && ANSWERS.has(error.code);
}

function answer(
  context: DistributorContext,
  request: DistributorRequest,
): Promise<DistributorAnswers[keyof DistributorAnswers]> {
  switch (request.op) {
    case "list":
      return listArtifacts(context, request);
    case "show":
      return showArtifact(context, request);
    case "coverage":
      return showCoverage(context, request);
    case "replay":
      return replay(context, request);
    case "refresh":
      return refresh(context, request);
    case "retire":
      return retire(context, request);
    case "consumers":
      return listConsumers(context, request);
    case "consumer":
      return showConsumer(context, request);
    case "compare":
      return compare(context, request);
  }
}

/** The announcer limits the rate of each consumer. */
const WIDTH = 10;

/**
 * Announces a version again with new URLs, to one consumer or to all that miss it. Resets earlier failures. Looks again at the
 * manifest of a version that is not published.
 */
async function refresh(
  context: DistributorContext,
  { name, version, account, region }: Request<"refresh">,
): Promise<DistributorAnswers["refresh"]> {
  if ((await findVersion(context, { name, version })) === undefined) return publishAgain(context, { name, version });
  const { found, published } = await loadVersion(context, { name, version });
  if (found.retired) throw refuse("ARTIFACT_RETIRED", `Version ${version} of ${name} is retired.`);
  const isOne = account !== undefined && region !== undefined;
  const places = isOne ? [await requireTrusted(context, { account, region })] : await findLacking(context, found);
  const at = context.clock.now();
  const sent = await mapLimited(places, WIDTH, async (place) => {
    await changeCell(context, toSubject(found), place, () => [
      { kind: "announced", at, scope: "all", bucket: place.bucket ?? undefined },
    ]);
    return context.announcer.announce(published, place);
  });
  await openCoverage(context, found);
  return { files: found.record.files, messages: sent.reduce((sum, each) => sum + each, 0) };
}

async function publishAgain(context: DistributorContext, id: VersionId): Promise<DistributorAnswers["refresh"]> {
  const outcome = await context.publish(id);
  switch (outcome.kind) {
    case "published":
      return { files: outcome.artifact.manifest.files.length, messages: outcome.messages };
    case "refused":
      throw refuse(outcome.refusal.code, `Version ${id.version} of ${id.name} is refused. ${outcome.refusal.reason}`);
    case "running":
      throw new StackyardError("RECORD_CONFLICT", `Version ${id.version} of ${id.name} is being published. Try again.`);
    default:
      throw notFound(id);
  }
}

/** Finds a version with its manifest. Throws for one that does not exist, or that retention has removed. */
async function loadVersion(context: DistributorContext, { name, version }: VersionId) {
  const found = await findVersion(context, { name, version });
  const published = found && (await context.loadPublished(name, version));
  if (found !== undefined && published !== undefined) return { found, published };
  throw notFound({ name, version });
}

function notFound({ name, version }: VersionId): StackyardError {
  return new StackyardError("NOT_FOUND", `Version ${version} of ${name} not found.`);
}

/** Finds a consumer. Throws for one that has never registered, reported, or requested a set. */
async function requireConsumer(context: DistributorContext, place: ConsumerPlace): Promise<ConsumerRecord> {
  const consumer = await knownConsumers.find(context, toPlaceKey(place));
  if (consumer !== undefined) return consumer;
  throw new StackyardError("NOT_FOUND", `No consumer found in ${place.account} ${place.region}.`);
}

async function requireTrusted(context: DistributorContext, place: ConsumerPlace): Promise<ConsumerRecord> {
  const consumer = await knownConsumers.find(context, toPlaceKey(place));
  const verdict = evaluateAdmitted(consumer ?? place, context.trust);
  if (verdict.kind === "rejected") throw refuse(verdict.code, verdict.reason);
  return consumer ?? requireConsumer(context, place);
}

async function findLacking(context: DistributorContext, version: ListedVersion): Promise<readonly ConsumerRecord[]> {
  const consumers = await listExpecting(context, context.trust);
  const cells = await listCells(context, version, consumers);
  const done = new Set(cells.filter(isDone).map(toPlaceKey));
  const expected = expectedConsumers(version, consumers, cells);
  return expected.filter((place) => !done.has(toPlaceKey(place)));
}

/** Starts the initial set for a known and trusted consumer. */
async function replay(
  context: DistributorContext,
  { account, region, since, artifact }: Request<"replay">,
): Promise<DistributorAnswers["replay"]> {
  await requireTrusted(context, { account, region });
  const { executionArn, startedAt } = await startSet(
    context,
    defined({
      account,
      region,
      executionName: `${account}-${region}-replay-${context.clock.now().toString(36)}`,
      since: since === undefined ? undefined : Date.parse(since),
      artifact,
    }),
  );
  return { executionArn, startedAt: new Date(startedAt).toISOString() };
}

const AGREED = "retire";

/** Retires a version: it is no longer expected, and consumers with the capability `retire` delete it. A repeated call sends the messages again. */
export async function retire(
  context: DistributorContext,
  { name, version }: Request<"retire">,
): Promise<DistributorAnswers["retire"]> {
  const { published } = await loadVersion(context, { name, version });
  const retiredAt = new Date(context.clock.now()).toISOString();
  await changeArtifact(context, { name, version }, (known) => ({ ...known, retiredAt: known.retiredAt ?? retiredAt }));
  await openCurrent(context, name);
  const consumers = await listExpecting(context, context.trust);
  const agreed = consumers.filter(({ capabilities }) => capabilities.includes(AGREED));
  const sent = await mapLimited(agreed, WIDTH, (each) => context.announcer.announceRetirement(published, each));
  return { retired: true, messages: sent.reduce((sum, each) => sum + each, 0) };
}

/**
 * Makes the previous version current again, also for consumers that joined after it was covered. The sweep announces it
 * to them.
 */
async function openCurrent(context: DistributorContext, name: string): Promise<void> {
  for (const each of await listVersions(context, name)) if (each.isCurrent) await openCoverage(context, each);
}

/** Records the result of a check of a consumer's bucket: matching files count as arrived, others as missing. */
async function compare(
  context: DistributorContext,
  request: Request<"compare">,
): Promise<DistributorAnswers["compare"]> {
  const { account, region, bucket } = request;
  const { found, published } = await loadVersion(context, request);
  const consumer = await requireConsumer(context, request);
  if (consumer.bucket !== null && consumer.bucket !== bucket) {
    throw refuse("BUCKET_FOREIGN", `The consumer in ${account} ${region} uses the bucket ${consumer.bucket}.`);
  }
  // A receipt that was sent after the check began is newer than the check.
  const at = context.clock.now() - (request.elapsedMs ?? 0);
  let seen = compareFiles(published.manifest, undefined, request.seen);
  await changeCell(context, toSubject(found), { account, region }, (cell) => {
    seen = compareFiles(published.manifest, cell, request.seen);
    return [{ kind: "seen", at, matching: seen.matching, lost: [...seen.missing, ...seen.different], bucket }];
  });
  await openCoverage(context, found);
  if (!found.retired) await settleVersion(context, found, await requireExpecting(context, context.trust));
  const toKeys = (files: readonly number[]) => files.flatMap((file) => published.manifest.files[file]?.key ?? []);
  return { matching: seen.matching.length, missing: toKeys(seen.missing), different: toKeys(seen.different) };
}

/** Indices of files in the manifest. Unchecked files are in no list. */
interface ComparedFiles {
  readonly matching: readonly number[];
  readonly missing: readonly number[];
  readonly different: readonly number[];
}

/** Compares digests. A rewritten template also matches the digest that the consumer reported. */
function compareFiles(
  { files }: Pick<Manifest, "files">,
  cell: Pick<Cell, "rewritten"> | undefined,
  seen: readonly SeenFile[],
): ComparedFiles {
  const byKey = new Map(seen.map(({ key, sha256 }) => [key, sha256]));
  const judged = files.map(({ key, sha256 }, file) => {
    const digest = byKey.get(key);
    if (digest === undefined) return "unchecked";
    if (digest === null) return "missing";
    return digest === sha256 || digest === cell?.rewritten[file]?.sha256 ? "matching" : "different";
  });
  const pick = (verdict: string) => judged.flatMap((each, file) => (each === verdict ? [file] : []));
  return { matching: pick("matching"), missing: pick("missing"), different: pick("different") };
}

/** Creates a refusal with an artifact code, in `details.problem.code`. */
function refuse(code: string, message: string): StackyardError {
  return new StackyardError("OUTCOME_NEGATIVE", message, { details: { problem: { code } } });
}

type Request<Op extends DistributorRequest["op"]> = Extract<DistributorRequest, { readonly op: Op }>;

const ROWS = 20;
const ITEMS = 50;

/** A version that is published, refused, or both: then the refused object was written later. */
interface ListedRow extends VersionId {
  readonly found?: ListedVersion | undefined;
  readonly refusal?: RefusalRecord | undefined;
}

async function listRows(context: DistributorContext, name?: string): Promise<readonly ListedRow[]> {
  const versions = await listVersions(context, name);
  const refusals = new Map((await listRefusals(context, name)).map((each) => [toVersionKey(each), each]));
  const published = new Set(versions.map(toVersionKey));
  const others = [...refusals.values()].filter((each) => !published.has(toVersionKey(each)));
  return [
    ...versions.map((found) => ({ ...toId(found), found, refusal: refusals.get(toVersionKey(found)) })),
    ...others.map((refusal) => ({ ...toId(refusal), refusal })),
  ];
}

function toId({ name, version }: VersionId): VersionId {
  return { name, version };
}

/** Lists versions by name and version. */
async function listArtifacts(
  context: DistributorContext,
  { name, cursor, limit = ITEMS }: Request<"list">,
): Promise<DistributorAnswers["list"]> {
  const { items, ...next } = takePage(await listRows(context, name), { cursor, limit });
  const consumers = await requireExpecting(context, context.trust);
  const summaries = await mapLimited(items, WIDTH, async (row) =>
    toSummary(row, isCovered(row.found, consumers, await listCells(context, row, consumers))),
  );
  return { items: summaries, ...next };
}

/** Returns one version with its manifest and coverage. */
async function showArtifact(
  context: DistributorContext,
  request: Request<"show">,
): Promise<DistributorAnswers["show"]> {
  const row = (await listRows(context, request.name)).find(({ version }) => version === request.version);
  if (row?.refusal !== undefined && row.found === undefined) {
    return { ...toSummary(row, false), manifest: null, cells: [] };
  }
  const { found, published } = await loadVersion(context, request);
  const consumers = await requireExpecting(context, context.trust);
  const cells = await listCells(context, found, consumers);
  const summary = toSummary({ ...row, ...toId(found), found }, isCovered(found, consumers, cells));
  return { ...summary, manifest: published.manifest, cells: cells.map(toCoverageCell) };
}

/** Returns the coverage of versions. */
async function showCoverage(
  context: DistributorContext,
  { name, version, account, region, cursor, limit = ROWS }: Request<"coverage">,
): Promise<DistributorAnswers["coverage"]> {
  const named = await listRows(context, name);
  const wanted = named.filter((each) => version === undefined || each.version === version);
  const { items, ...next } = takePage(wanted, { cursor, limit });
  const consumers = await requireExpecting(context, context.trust);
  const isWanted = (cell: Cell) =>
    (account === undefined || cell.account === account) && (region === undefined || cell.region === region);
  const rows = await mapLimited(items, WIDTH, async (each) => {
    const { found } = each;
    const cells = found === undefined ? [] : await listCells(context, each, consumers);
    const silent = found === undefined ? 0 : countSilent(found, consumers, cells);
    return toRow(each, { covered: isCovered(found, consumers, cells), silent }, cells.filter(isWanted));
  });
  return { rows, ...next };
}

/** Returns a consumer and everything that was announced to it. */
async function showConsumer(
  context: DistributorContext,
  { account, region }: Request<"consumer">,
): Promise<DistributorAnswers["consumer"]> {
  const place = { account, region };
  const consumer = await requireConsumer(context, place);
  const versions = await listVersions(context);
  const cells = await mapLimited(versions, WIDTH, ({ name, version }) =>
    findCell(context, { name, version, ...place }, consumer.bucket),
  );
  const known = cells.flatMap((cell) =>
    cell === undefined ? [] : [{ ...toCoverageCell(cell), name: cell.name, version: cell.version }],
  );
  return { ...toConsumerView(consumer), cells: known };
}

function isCovered(
  version: ListedVersion | undefined,
  consumers: readonly ConsumerRecord[],
  cells: readonly Cell[],
): boolean {
  return version !== undefined && evaluateCoverage(version, consumers, cells).kind === "covered";
}

/** Returns the members that all rows have. */
function toFacts({ name, version, found, refusal }: ListedRow) {
  const { manifestSha256 = null, publishedAt = null } = found?.record ?? {};
  const refused = refusal && { refusal: toRefusalView(refusal) };
  return { name, version, manifestSha256, publishedAt, retired: found?.retired ?? false, ...refused };
}

function toSummary(row: ListedRow, covered: boolean): ArtifactSummary {
  const { files = 0, bytes = 0, labels = {} } = row.found?.record ?? {};
  return { ...toFacts(row), files, bytes, labels, covered };
}

function toRow(row: ListedRow, standing: Pick<CoverageRow, "covered" | "silent">, cells: readonly Cell[]): CoverageRow {
  return { ...toFacts(row), ...standing, cells: cells.map(toCoverageCell) };
}

/** Lists all known consumers by account and region. */
async function listConsumers(
  context: DistributorContext,
  { cursor, limit = ITEMS }: Request<"consumers">,
): Promise<DistributorAnswers["consumers"]> {
  const after = cursor === undefined ? undefined : readCursor(cursor, CONSUMER_KEY);
  const page = await knownConsumers.list(context, defined({ limit, cursor: after }));
  const [damaged] = page.unreadable ?? [];
  if (damaged !== undefined) throw corruptRecord(damaged.id);
  const items = page.items.map(toConsumerView);
  return defined({ items, cursor: page.cursor === undefined ? undefined : toCursor(page.cursor) });
}

/** A page of a list: its start and size. */
interface PageRequest {
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** Returns a page of versions. The cursor names the last version of the previous page, so new versions do not shift pages. */
export function takePage<Version extends VersionId>(
  versions: readonly Version[],
  { cursor, limit }: PageRequest,
): { readonly items: readonly Version[]; readonly cursor?: string } {
  const behind = cursor === undefined ? undefined : readCursor(cursor, VERSION_KEY);
  const left = versions
    .map((version) => ({ version, key: toVersionKey(version) }))
    .filter(({ key }) => behind === undefined || key > behind)
    .sort((one, other) => (one.key < other.key ? -1 : 1));
  const items = left.slice(0, limit);
  const last = items.at(-1);
  const next = left.length > limit && last !== undefined ? { cursor: toCursor(last.key) } : {};
  return { items: items.map(({ version }) => version), ...next };
}

function toCursor(key: string): string {
  return Buffer.from(key).toString("base64url");
}

const VERSION_KEY = /^[a-z0-9][\x21-\x7e]{1,193}$/;
const CONSUMER_KEY = new RegExp(`^${knownConsumers.prefix}`);

/** Decodes a cursor. Throws `USAGE` for anything but such a key. */
function readCursor(cursor: string, form: RegExp): string {
  const key = Buffer.from(cursor, "base64url").toString();
  if (form.test(key) && toCursor(key) === cursor) return key;
  throw new StackyardError("USAGE", "The cursor is invalid.");
}
