import { StackyardError } from "@stackyard/core";
import type { HookSender } from "./hook.ts";
import type { NamedHost } from "./receive.ts";

/** A person of the yard, to whom a user of a host is linked. */
export interface LinkedPerson {
  /** `sub` at the yard's issuer. */
  readonly subject: string;
  readonly groups: readonly string[];
}

/**
 * Finds the person who is linked to a user of a host: by the user's number if the link has one, else by the login,
 * ignoring case.
 */
export type FindPerson = (host: string, user: Pick<HookSender, "id" | "name">) => LinkedPerson | undefined;

/** Creates the finder. Throws `CONFIG_INVALID` for a user who is linked to two people. */
export function createPersonFinder(hosts: readonly NamedHost[]): FindPerson {
  const people = new Map<string, LinkedPerson>();
  for (const { name, options } of hosts) {
    const links = "people" in options ? options.people : undefined;
    for (const [login, { id, ...person }] of Object.entries(links ?? {})) {
      const key = id === undefined ? toLoginKey(name, login) : toIdKey(name, String(id));
      if (people.has(key)) throw new StackyardError("CONFIG_INVALID", `people: the user ${key} is linked twice.`);
      people.set(key, person);
    }
  }
  return (host, { id, name }) => people.get(toIdKey(host, id)) ?? people.get(toLoginKey(host, name));
}

// Logins cannot contain a slash, so they share no keys with numbers.
function toIdKey(host: string, userId: string): string {
  return `${host}/id/${userId}`;
}

function toLoginKey(host: string, login: string): string {
  return `${host}/login/${login.toLowerCase()}`;
}
