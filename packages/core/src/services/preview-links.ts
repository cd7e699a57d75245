import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { StackyardError } from "../errors/stackyard-error.ts";
import { listPages } from "../list-pages.ts";
import { changeRecord } from "../ports/change-record.ts";
import type { Clock } from "../ports/clock.ts";
import { readRecords } from "../ports/read-records.ts";
import type { Page, PageInput, Records, StoredRecord } from "../ports/records.ts";

const Text = Type.String({ minLength: 1, maxLength: 1_024 });

const Command = Type.Object({
  event: Type.String({ minLength: 1, maxLength: 255 }),
  metadata: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
  /** The key of the metadata that contains the duration of the command, in seconds. */
  duration: Type.Optional(Type.String()),
});

/** The events that follow from commands, by their words. */
export const PreviewCommands = Type.Object({
  extend: Type.Optional(Command),
  sleep: Type.Optional(Command),
  wake: Type.Optional(Command),
  down: Type.Optional(Command),
});
export type PreviewCommands = Static<typeof PreviewCommands>;

/** The pull request that a stack is a preview of. */
export const PreviewLink = Type.Object({
  stackId: Type.String({ minLength: 1, maxLength: 255, pattern: "^[^\\p{Cc}]+$" }),
  /** As the options of the yard name it, such as `github`. */
  host: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$" }),
  /** Its number at the host, which survives renames, and its name, such as `acme/shop`. */
  repository: Type.Object({ id: Type.String({ pattern: "^[0-9]{1,20}$" }), fullName: Text }),
  number: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
  url: Text,
  title: Type.Optional(Text),
  /** The commit that the stack was last sent, or that was linked. */
  head: Type.String({ pattern: "^[0-9a-f]{40}$" }),
  /** Login of the author. */
  owner: Text,
  commands: Type.Optional(PreviewCommands),
  /**
   * Who vouches for the pull request: `hook` of its code host, which the stack was sent, or a `job` of its repository,
   * which has stated the commit. Missing: a sender, whose links are only shown.
   */
  by: Type.Optional(Type.Enum(["hook", "job"])),
  /** The machine of the stack. A stack of another machine with the same id is not meant. */
  machine: Type.Optional(Text),
});
export type PreviewLink = Static<typeof PreviewLink>;

/** A pull request of a host. */
export interface LinkedPull {
  readonly host: string;
  readonly repositoryId: string;
  readonly number: number;
}

/** Where links are kept. */
export interface PreviewLinksDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}

const DAY_MS = 86_400_000;
/** After the last time that it was linked: tasks may wait for so long, and hosts may be removed from a yard. */
const KEEP_MS = 400 * DAY_MS;
/** After the end of the pull request: clean-up and the report on it may take a while. */
const KEEP_ENDED_MS = 90 * DAY_MS;
const PAGE = 500;

const toKey = (stackId: string): string => `previews/links/${stackId}`;
const toPullPrefix = ({ host, repositoryId, number }: LinkedPull): string =>
  `previews/pulls/${host}/${repositoryId}/${number}/`;

/**
 * Links a stack, which need not exist yet, to its pull request. May be repeated; a link that is stored already is not
 * written again. Kept for 400 days after the last time. Throws `USAGE` for what cannot be linked.
 */
export async function linkPreview(deps: PreviewLinksDeps, link: PreviewLink): Promise<void> {
  const { host, repository, number, stackId } = link;
  const isLink: boolean = Check(PreviewLink, link);
  if (!isLink) throw new StackyardError("USAGE", `The stack "${stackId}" cannot be linked.`);
  const place = toPullPrefix({ host, repositoryId: repository.id, number });
  // First: an entry without its link is left out of lists, a link without its entry would be missing in them.
  await keep(deps, `${place}${stackId}`, { stackId });
  await keep(deps, toKey(stackId), link);
}

async function keep(deps: PreviewLinksDeps, key: string, value: unknown): Promise<void> {
  await changeRecord({
    ...deps,
    key,
    decide(found, now) {
      const isKept = found !== undefined && (found.expiresAt ?? 0) - now > KEEP_MS / 2;
      if (isKept && JSON.stringify(found.value) === JSON.stringify(value)) return {};
      return { write: { value, expiresAt: now + KEEP_MS } };
    },
  });
}

/** Keeps the link of a pull request that has ended for 90 more days. Does nothing without a link. */
export async function endPreviewLink({ records, clock }: PreviewLinksDeps, stackId: string): Promise<void> {
  const now = clock.now();
  const found = await records.get(toKey(stackId), now);
  const expiresAt = now + KEEP_ENDED_MS;
  if (found === undefined || (found.expiresAt ?? 0) <= expiresAt) return;
  // A conflict: it was linked again, and so has not ended.
  await records.put({ key: found.key, value: found.value, expected: found.version, expiresAt, now });
}

/** Returns the link of a stack. */
export async function findPreviewLink(
  { records, clock }: PreviewLinksDeps,
  stackId: string,
): Promise<PreviewLink | undefined> {
  return toLink(await records.get(toKey(stackId), clock.now()));
}

/** Lists links by stack id, also of stacks that do not exist. */
export async function listPreviewLinks(
  { records, clock }: PreviewLinksDeps,
  page: PageInput,
): Promise<Page<PreviewLink>> {
  return readRecords(await records.list(toKey(""), { ...page, now: clock.now() }), toLink);
}

/** Returns the links of all stacks of a pull request, by stack id. */
export async function findPullLinks(deps: PreviewLinksDeps, pull: LinkedPull): Promise<readonly PreviewLink[]> {
  const { records, clock } = deps;
  const prefix = toPullPrefix(pull);
  const found: PreviewLink[] = [];
  const pages = listPages((start) => records.list(prefix, { limit: PAGE, now: clock.now(), ...start }));
  for await (const { items } of pages) {
    const links = await Promise.all(items.map(({ key }) => findPreviewLink(deps, key.slice(prefix.length))));
    // The stack may have been linked to another pull request since.
    found.push(...links.filter((link) => link !== undefined).filter((link) => isOf(link, pull)));
  }
  return found;
}

function isOf({ host, repository, number }: PreviewLink, pull: LinkedPull): boolean {
  return host === pull.host && repository.id === pull.repositoryId && number === pull.number;
}

function toLink(found: StoredRecord | undefined): PreviewLink | undefined {
  const value = found?.value;
  return Check(PreviewLink, value) ? value : undefined;
}
