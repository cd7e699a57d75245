import type { Me } from "@stackyard/sdk";
import { queryClient, yard } from "./client.ts";
import { keys } from "./keys.ts";
import { rememberList } from "./last-list.ts";
import { useUnreachable } from "./use-live.tsx";
import { useLoad } from "./use-load.ts";

/** A permission of the API, such as `operate`. */
export type Permission = Me["rights"][number]["permissions"][number];

/** The subject of a permission. Without both: the whole yard. */
export interface Subject {
  readonly machine?: string | undefined;
  readonly stackId?: string | undefined;
}

/** Returns who is signed in. */
export function useMe() {
  return useLoad(keys.me, loadMe, { staleTime: 60_000 });
}

/** Loads who is signed in. What the page knows is what the person before may see: of another one it is dropped. */
export async function loadMe(request: { readonly signal: AbortSignal }): Promise<Me> {
  const me = await yard.me(request);
  const before = queryClient.getQueryData<Me>(keys.me);
  if (before !== undefined && toPerson(before) !== toPerson(me)) {
    queryClient.removeQueries({ predicate: ({ queryKey: [first] }) => first !== keys.me[0] });
    rememberList([]);
  }
  return me;
}

/** Returns the identity of a person, over all changes of rights and name. */
export function toPerson({ kind, id }: Pick<Me, "kind" | "id">): string {
  return `${kind} ${id}`;
}

/** Tells whether rights include a permission for a subject. The server decides; this only explains a button beforehand. */
export function hasPermission(me: Me | undefined, permission: Permission, { machine, stackId }: Subject = {}): boolean {
  return (me?.rights ?? []).some(
    ({ permissions, machines, stacks }) =>
      permissions.includes(permission) &&
      (machines === undefined || (machine !== undefined && machines.includes(machine))) &&
      (stacks === undefined || (stackId !== undefined && stacks.some((prefix) => stackId.startsWith(prefix)))),
  );
}

/** Returns why a person cannot do something to any part of the yard now: of a bulk, the server decides for each item. */
export function useAnyRefusal(permission: Permission): string | undefined {
  const { data: me } = useMe();
  const isUnreachable = useUnreachable();
  if (isUnreachable) return "Server unreachable";
  if (me === undefined || me.rights.some(({ permissions }) => permissions.includes(permission))) return undefined;
  return `Needs ${permission}`;
}

/** Returns why a person cannot do something now, or undefined when they can: `Needs "operate" on review-app.` */
export function useRefusal(permission: Permission, subject: Subject = {}): string | undefined {
  const { data: me } = useMe();
  const isUnreachable = useUnreachable();
  if (isUnreachable) return "Server unreachable";
  if (me === undefined || hasPermission(me, permission, subject)) return undefined;
  return `Needs ${permission}${subject.machine === undefined ? "" : ` on ${subject.machine}`}`;
}
