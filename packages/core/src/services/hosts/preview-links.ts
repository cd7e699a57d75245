import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { StackyardError } from "../../errors/stackyard-error.ts";
import { listPages } from "../../list-pages.ts";
import { defineRecordKind, keepAlive, type RecordsDeps } from "../../ports/record-kind.ts";

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

const DAY_MS = 86_400_000;
/** After the last time that it was linked: tasks may wait for so long, and hosts may be removed from a yard. */
const KEEP_MS = 400 * DAY_MS;
/** After the end of the pull request: clean-up and the report on it may take a while. */
const KEEP_ENDED_MS = 90 * DAY_MS;
const PAGE = 500;

/** Links of stacks to their pull requests. What vouches for a pull request writes its link again. */
export const previewLinks = defineRecordKind({
  prefix: "previews/links/",
  value: PreviewLink,
  holds: "pull requests of stacks",
  kept: "400 days after they were linked last, 90 after the end of the pull request",
  damaged: "missing",
});

/** The stacks of each pull request. */
export const pullStacks = defineRecordKind({
  prefix: "previews/pulls/",
  value: Type.Object({ stackId: Type.String() }),
  holds: "stacks of pull requests",
  kept: "400 days after they were linked last",
  damaged: "missing",
});

const toPullPrefix = ({ host, repositoryId, number }: LinkedPull): string => `${host}/${repositoryId}/${number}/`;

/**
 * Links a stack, which need not exist yet, to its pull request. May be repeated; a link that is stored already is not
 * written again. Kept for 400 days after the last time. Throws `USAGE` for what cannot be linked.
 */
export async function linkPreview(deps: RecordsDeps, link: PreviewLink): Promise<void> {
  const { host, repository, number, stackId } = link;
  const isLink: boolean = Check(PreviewLink, link);
  if (!isLink) throw new StackyardError("USAGE", `The stack "${stackId}" cannot be linked.`);
  const place = toPullPrefix({ host, repositoryId: repository.id, number });
  // First: an entry without its link is left out of lists, a link without its entry would be missing in them.
  await pullStacks.change(deps, `${place}${stackId}`, (found, now) =>
    keepAlive(found, { value: { stackId }, keepMs: KEEP_MS, now }),
  );
  await previewLinks.change(deps, stackId, (found, now) => keepAlive(found, { value: link, keepMs: KEEP_MS, now }));
}

/** Keeps the link of a pull request that has ended for 90 more days. Does nothing without a link. */
export async function endPreviewLink(deps: RecordsDeps, stackId: string): Promise<void> {
  let tries = 0;
  await previewLinks.change(deps, stackId, (found, now) => {
    tries += 1;
    const expiresAt = now + KEEP_ENDED_MS;
    // After a conflict: it was linked again, and so has not ended.
    const isShorter = tries === 1 && found !== undefined && (found.expiresAt ?? 0) > expiresAt;
    return isShorter ? { write: { value: found.value, expiresAt } } : {};
  });
}

/** Returns the links of all stacks of a pull request, by stack id. */
export async function findPullLinks(deps: RecordsDeps, pull: LinkedPull): Promise<readonly PreviewLink[]> {
  const prefix = toPullPrefix(pull);
  const found: PreviewLink[] = [];
  for await (const { items } of listPages((start) => pullStacks.list(deps, { limit: PAGE, ...start }, prefix))) {
    const links = await Promise.all(items.map(({ stackId }) => previewLinks.find(deps, stackId)));
    // The stack may have been linked to another pull request since.
    found.push(...links.filter((link) => link !== undefined).filter((link) => isOf(link, pull)));
  }
  return found;
}

function isOf({ host, repository, number }: PreviewLink, pull: LinkedPull): boolean {
  return host === pull.host && repository.id === pull.repositoryId && number === pull.number;
}
