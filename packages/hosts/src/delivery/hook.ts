import type { HostPermission } from "../host-permission.ts";

/**
 * An event of a code host, in one format for all hosts. Expressions of mapping documents access it as `hook`. Texts
 * come from outside and are bounded, but not trusted.
 */
export interface Hook {
  readonly kind: "pull" | "push" | "command" | "group" | "installation" | "message";
  /** Such as `opened` and `labeled` of a pull request, the word of a command, or the type of a message. */
  readonly action: string;
  readonly repository?: HookRepository;
  readonly pull?: HookPull;
  readonly push?: HookPush;
  /** The commit of a merge queue that contains the pull request. */
  readonly group?: string;
  /** The label that was added or removed. */
  readonly label?: string;
  /** The arguments of a command. */
  readonly args?: HookArguments;
  /** The whole body of a message of Standard Webhooks. */
  readonly data?: unknown;
  readonly sender: HookSender;
}

/** The action of a hook that sends the head of a pull request again. */
export const RERUN = "rerequested";

/** What an action says of its pull request, as far as its facts show it. */
const CLAIMS: ReadonlyMap<string, { readonly subject: string; readonly isTrue: (pull: HookPull) => boolean }> = new Map(
  [
    ["opened", { subject: "state", isTrue: ({ state }) => state === "open" }],
    ["reopened", { subject: "state", isTrue: ({ state }) => state === "open" }],
    ["closed", { subject: "state", isTrue: ({ state }) => state === "closed" }],
    ["ready_for_review", { subject: "draft", isTrue: ({ draft }) => !draft }],
    ["converted_to_draft", { subject: "draft", isTrue: ({ draft }) => draft }],
  ],
);

/** Returns true as long as a pull request is what a hook says: a label may be gone when the hook is read. */
export function holds({ kind, action, label, pull }: Pick<Hook, "kind" | "action" | "label" | "pull">): boolean {
  if (kind !== "pull" || pull === undefined) return true;
  if (label !== undefined) return pull.labels.includes(label) === (action !== "unlabeled");
  return CLAIMS.get(action)?.isTrue(pull) ?? true;
}

/** Returns what a label or a command is about: of two with the same subject, the later one counts. */
export function toSubject({ kind, action, label }: Pick<Hook, "kind" | "action" | "label">): string {
  if (kind === "command") return kind;
  return label === undefined ? (CLAIMS.get(action)?.subject ?? action) : `label ${label}`;
}

/** The repository that a pull request is merged into. */
export interface HookRepository {
  /** The host's number. It survives renames. */
  readonly id: string;
  /** Such as `acme/shop`. */
  readonly fullName: string;
  readonly url: string;
}

/** The place of a repository at its host: its number, and its name, which may be an earlier one. */
export type RepositoryPlace = Pick<HookRepository, "id" | "fullName">;

/** A pull request, or a merge request of GitLab. */
export interface HookPull {
  readonly number: number;
  readonly title: string;
  readonly url: string;
  readonly state: "open" | "closed";
  readonly merged: boolean;
  readonly draft: boolean;
  readonly labels: readonly string[];
  /** Login of the author. */
  readonly author: string;
  readonly authorId: string;
  /** The commit at its head: 40 hexadecimal digits. */
  readonly head: string;
  readonly branch: string;
  /** The branch that it is merged into. */
  readonly base: string;
  /** True when its commits are in another repository, or in one that was deleted. */
  readonly fork: boolean;
  /** Epoch milliseconds, by the host's clock. */
  readonly updatedAt: number;
}

/** Commits that were pushed to a branch or a tag. */
export interface HookPush {
  /** Such as `refs/heads/main`. */
  readonly ref: string;
  /** Name of the branch or tag. */
  readonly name: string;
  /** The commit afterwards; 40 zeros when the ref was deleted. */
  readonly head: string;
  readonly deleted: boolean;
}

/** The words behind a command. */
export interface HookArguments {
  readonly words: readonly string[];
  /** The first word that is a duration, such as `2d`, in seconds. */
  readonly duration?: number;
}

/** Who caused it. */
export interface HookSender {
  /** The host's number of the user. */
  readonly id: string;
  readonly name: string;
  readonly bot: boolean;
  /** The person's permission in the repository. Only for commands. */
  readonly permission?: HostPermission;
}

/**
 * The content of a code host's delivery.
 * - `hook`: an event that mapping documents may handle.
 * - `comment`: a command on a pull request, or a group of a merge queue, without facts in the delivery; they are looked up
 *   by its number.
 * - `rerun`: the checks of a commit are requested again. The host may not name all of its pull requests.
 * - `ignored`: nothing that Stackyard handles, and why.
 *
 * `at` is when it happened, by the host's clock, in epoch milliseconds. Missing if the delivery has no time.
 */
export type ParsedDelivery =
  | { readonly kind: "hook"; readonly hook: Hook; readonly at?: number }
  | {
      readonly kind: "comment";
      readonly hook: Hook;
      readonly pullNumber: number;
      /** Missing for anything but a comment. */
      readonly commentId?: number;
      /** The turn of the check whose button was pressed. Missing for anything else. */
      readonly turn?: number;
      readonly at?: number;
    }
  | { readonly kind: "rerun"; readonly hook: Hook; readonly head: string; readonly pullNumbers: readonly number[] }
  | { readonly kind: "ignored"; readonly reason: string };
