import { StackyardError } from "@stackyard/core";
import type { NamedHost } from "./receive.ts";

/** A person of the yard, to whom a user of a host is linked. */
export interface LinkedPerson {
  /** `sub` at the yard's issuer. */
  readonly subject: string;
  readonly groups: readonly string[];
}

/** Finds the person to whom a user of a host is linked. Users are known by number: a login can be given up, and taken by others. */
export type FindPerson = (host: string, userId: string) => LinkedPerson | undefined;

/** Creates the finder. Throws `CONFIG_INVALID` for a user who is linked to two people. */
export function createPersonFinder(hosts: readonly NamedHost[]): FindPerson {
  const people = new Map<string, LinkedPerson>();
  for (const { name, options } of hosts) {
    for (const [login, { id, subject, groups }] of Object.entries(("people" in options && options.people) || {})) {
      const key = toKey(name, String(id));
      if (people.has(key)) {
        throw new StackyardError("CONFIG_INVALID", `hosts.${name}.people: the user ${id} (${login}) is linked twice.`);
      }
      people.set(key, { subject, groups });
    }
  }
  return (host, userId) => people.get(toKey(host, userId));
}

function toKey(host: string, userId: string): string {
  return `${host}/${userId}`;
}
