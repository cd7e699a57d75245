import { changeRecord, defined, listPages, type ServiceDeps, type StoredRecord, toShellCommand } from "@stackyard/core";
import { linkPreview, notePullFault, notify, previewLinks } from "@stackyard/core/services";
import type { NamedHost } from "../delivery/receive.ts";
import { refRecords } from "../delivery/ref-records.ts";
import { listFormer } from "../host-options.ts";
import { PULLS, toHostPrefix, toStoredPull } from "../pull/pull-records.ts";

type Deps = Pick<ServiceDeps, "records" | "clock">;

const PAGE = 500;
const toRefs = (host: string): string => refRecords.toKey(`${host}/`);
const toReports = (host: string): string => `hooks/reports/${host}/`;
const toLinks = (host: string): string => `previews/pulls/${host}/`;
const toDueReports = (host: string): string => `queue/reports-${host}/`;

/** The former and the present name of a host. */
export interface RenamedHost {
  readonly from: string;
  readonly to: string;
}

/** Returns the hosts under whose former names the yard remembers pull requests. */
export async function listRenamed(deps: Deps, hosts: readonly NamedHost[]): Promise<readonly RenamedHost[]> {
  const renamed = hosts.flatMap(({ name, options }) => listFormer(options).map((from) => ({ from, to: name })));
  const known = await Promise.all(renamed.map(({ from }) => isRemembered(deps, from)));
  return renamed.filter((_, index) => known[index]);
}

/** Returns the name that a host has now. */
export function toPresentName(hosts: readonly NamedHost[], name: string): string {
  return hosts.find(({ options }) => listFormer(options).includes(name))?.name ?? name;
}

/** Returns true if the yard remembers pull requests under the name of a host. */
async function isRemembered({ records, clock }: Deps, host: string): Promise<boolean> {
  const now = clock.now();
  const prefixes = [toHostPrefix(host), toRefs(host), toReports(host), toLinks(host), toDueReports(host)];
  const pages = await Promise.all(prefixes.map((prefix) => records.list(prefix, { limit: 1, now })));
  return pages.some(({ items }) => items.length > 0);
}

/**
 * Moves what the yard remembers of the pull requests of a host to its new name: their stacks, links and reports, also
 * those that are due. After a crash it may be repeated: what is copied is removed afterwards.
 */
export async function takeOverHost(deps: Deps, { from, to }: RenamedHost): Promise<void> {
  for await (const { key, version } of listAll(deps, toLinks(from))) {
    const link = await previewLinks.find(deps, key.slice(key.lastIndexOf("/") + 1));
    if (link?.host === from) await linkPreview(deps, { ...link, host: to });
    await deps.records.remove(key, version);
  }
  await move(deps, { from: toReports(from), to: toReports(to) }, () => false);
  await move(deps, { from: toRefs(from), to: toRefs(to) }, () => false);
  await move(deps, { from: toDueReports(from), to: toDueReports(to) }, () => false);
  // A delivery under the new name may have been decided on as if the stack did not exist.
  await move(deps, { from: toHostPrefix(from), to: toHostPrefix(to) }, (old, there) => {
    return toStoredPull(old).phase === "open" && toStoredPull(there).phase === "none";
  });
}

/** Moves records to another prefix. `wins`: whether one takes the place of a record that is there. */
async function move(
  deps: Deps,
  { from, to }: { readonly from: string; readonly to: string },
  wins: (old: StoredRecord, there: StoredRecord) => boolean,
): Promise<void> {
  const { records, clock } = deps;
  for await (const old of listAll(deps, from)) {
    const { value, expiresAt } = old;
    await changeRecord({
      records,
      clock,
      key: `${to}${old.key.slice(from.length)}`,
      decide: (there) =>
        there === undefined || wins(old, there) ? { write: { value, ...defined({ expiresAt }) } } : {},
    });
    await records.remove(old.key, old.version);
  }
}

async function* listAll({ records, clock }: Deps, prefix: string): AsyncGenerator<StoredRecord> {
  const pages = listPages((start) => records.list(prefix, { limit: PAGE, now: clock.now(), ...start }));
  for await (const { items } of pages) yield* items;
}

/** Lists and notifies previews of hosts that are not configured any more: nothing but a timer ends them. */
export async function noticeUnknownHosts(deps: ServiceDeps, known: ReadonlySet<string>): Promise<void> {
  for await (const record of listAll(deps, PULLS)) {
    const [host = ""] = record.key.slice(PULLS.length).split("/");
    const { phase, target } = toStoredPull(record);
    if (known.has(host) || phase !== "open" || target === undefined) continue;
    const { stackId } = target;
    const reason = `The host "${host}" is not in the options.`;
    await notePullFault(deps, { stackId, kind: "unfollowed", reason });
    await notify(deps, {
      kind: "pull-unfollowed",
      key: `${host}/${stackId}`,
      title: `The preview "${stackId}" does not follow its pull request any more`,
      text: `${reason} The preview is kept. If the host has another name now, set former: ["${host}"] there; or end the preview with ${toShellCommand`stackyard previews down ${stackId}`}.`,
      stackId,
    });
  }
}
