import type { Release, Releases } from "../stack.ts";
import { isSecretKey } from "./stack-secrets.ts";
import type { Work } from "./work.ts";

/** Notes which release has set the values that an event of a release brings, or what an undo has restored. */
export function noteRelease(work: Work): void {
  const { release } = work.event;
  if (release === undefined) return;
  const { restores } = release;
  const noted = restores === undefined ? toOwn(work) : withRestored(work.stack.releases ?? {}, restores);
  const { releases: _, ...stack } = work.stack;
  work.stack = Object.keys(noted).length === 0 ? stack : { ...stack, releases: noted };
}

function toOwn({ event, brought, stack, machine }: Work): Releases {
  const { release, sender } = event;
  if (release === undefined || sender === undefined) return stack.releases ?? {};
  const { task, createdAt, incarnation, onlyNotes } = release;
  const { releases = {} } = stack;
  const own = brought.own.flatMap((key): readonly (readonly [string, Release])[] => {
    const value = brought.metadata[key];
    if (value === undefined || isSecretKey(machine, [stack], key)) return [];
    // What is only noted was set before.
    const at = onlyNotes && releases[key]?.value === value ? releases[key].at : event.at;
    return [[key, { id: sender.id, incarnation, createdAt, task, event: event.id, value, at }]];
  });
  return { ...releases, ...Object.fromEntries(own) };
}

function withRestored(releases: Releases, restores: Readonly<Record<string, Release | null>>): Releases {
  const restored = new Map(Object.entries({ ...releases, ...restores }));
  return Object.fromEntries([...restored].flatMap(([key, release]) => (release === null ? [] : [[key, release]])));
}
