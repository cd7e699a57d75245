import type { Release, Releases, Stack } from "../stack.ts";
import { isSecretKey } from "./stack-secrets.ts";
import type { Work } from "./work.ts";

/**
 * Notes which release has set the values that an event of a release brings, or what an undo has restored. For each value that
 * has changed, by a release or not, it notes since when the key has it.
 */
export function noteRelease(work: Work, before: Stack): void {
  const { at, release } = work.event;
  const { releases = {}, ...stack } = work.stack;
  const isChanged = (key: string) => before.metadata[key] !== stack.metadata[key];
  if (release === undefined && !Object.keys(releases).some(isChanged)) return;
  const noted = Object.entries<Release | null>({ ...releases, ...(release?.restores ?? toOwn(work, releases)) });
  const kept = noted.flatMap(([key, each]) => (each ? [[key, isChanged(key) ? { ...each, at } : each]] : []));
  work.stack = kept.length === 0 ? stack : { ...stack, releases: Object.fromEntries(kept) };
}

function toOwn({ event, brought, stack, machine }: Work, releases: Releases): Releases {
  const { release, sender } = event;
  if (release === undefined || sender === undefined) return {};
  const { task, createdAt, incarnation, onlyNotes } = release;
  const own = brought.own.flatMap((key): readonly (readonly [string, Release])[] => {
    const value = brought.metadata[key];
    if (value === undefined || isSecretKey(machine, [stack], key)) return [];
    // A value that is only noted was set before.
    const at = onlyNotes && releases[key]?.value === value ? releases[key].at : event.at;
    return [[key, { id: sender.id, incarnation, createdAt, task, event: event.id, value, at }]];
  });
  return Object.fromEntries(own);
}
