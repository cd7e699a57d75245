import type { Rights } from "./decide-access.ts";
import type { Permission } from "./permissions.ts";
import type { Channel } from "./sender.ts";

/**
 * The most that an assistant may do, whatever its token may: approvals, repairs, results, secrets, states, tokens and the
 * audit log are for people and for programs that people have written.
 */
const OPEN: Readonly<Record<Channel, ReadonlySet<Permission>>> = { mcp: new Set(["read", "send", "operate"]) };

/** Returns whether a permission may be used over a channel. Without a channel every one may. */
export function isOpen(channel: Channel | undefined, permission: Permission): boolean {
  return channel === undefined || OPEN[channel].has(permission);
}

/** Returns the rights that remain over a channel. */
export function toChannelRights(channel: Channel, rights: Rights): Rights {
  return rights.map(({ permissions, ...scope }) => {
    return { ...scope, permissions: new Set([...permissions].filter((permission) => isOpen(channel, permission))) };
  });
}

/** Returns why a permission cannot be used over a channel. */
export function formatClosed(channel: Channel, permission: string): string {
  return `Nothing that comes over the channel "${channel}" has the permission "${permission}": a person must do this, in the console or with \`stackyard\`.`;
}
