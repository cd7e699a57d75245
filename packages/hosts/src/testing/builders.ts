import type { Hook, HookPull } from "../delivery/hook.ts";

/** Returns a commit of forty equal digits. */
export function toCommit(digit: number): string {
  return String(digit).repeat(40);
}

/** Returns an open pull request of the repository itself. */
export function aPull(over: Partial<HookPull> = {}): HookPull {
  return {
    number: 7,
    title: "Add a cart",
    url: "https://github.com/acme/shop/pull/7",
    state: "open",
    merged: false,
    draft: false,
    labels: ["preview"],
    author: "octocat",
    authorId: "583231",
    head: toCommit(1),
    branch: "cart",
    base: "main",
    fork: false,
    updatedAt: 1_000,
    ...over,
  };
}

/** Returns the content of a delivery about a pull request. */
export function aHook(over: Partial<Hook> = {}) {
  return {
    kind: "pull",
    action: "opened",
    repository: { id: "424242", fullName: "acme/shop", url: "https://github.com/acme/shop" },
    pull: aPull(),
    sender: { id: "583231", name: "octocat", bot: false },
    ...over,
  } satisfies Hook;
}
