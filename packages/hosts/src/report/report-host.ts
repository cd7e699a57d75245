import type { HookRepository } from "../hook.ts";

/** A pull request at its host. */
export interface PullPlace {
  readonly repository: Pick<HookRepository, "id" | "fullName">;
  readonly number: number;
}

/** A comment that Stackyard has written. */
export interface OwnComment {
  readonly id: number;
  readonly body: string;
}

/** What a person sees under a comment: that a command was taken, or that it was refused. */
export type HostReaction = "+1" | "confused";

/** Where reports are written. Every call is one request or a few; errors are those of the host's client. */
export interface ReportHost {
  /** Returns what limits of the host are counted by. */
  findBudget(place: PullPlace): Promise<string>;
  /** Lists the comments that this App has written on a pull request, oldest first. */
  listOwnComments(place: PullPlace): Promise<readonly OwnComment[]>;
  createComment(place: PullPlace, body: string): Promise<number>;
  /** False: the comment does not exist any more. */
  updateComment(place: PullPlace, id: number, body: string): Promise<boolean>;
  deleteComment(place: PullPlace, id: number): Promise<void>;
  /** Has no effect when the comment does not exist any more. */
  react(place: PullPlace, commentId: number, reaction: HostReaction): Promise<void>;
}

/**
 * Why a request failed.
 * - `waiting`: the host asks not to be called before `until`. `down`: it does not answer; nothing is known about the request.
 * - `unauthorized`: it refuses the App's key. `refused`: it refuses this request, and will again.
 */
export type HostFault =
  | { readonly kind: "waiting"; readonly until: number }
  | { readonly kind: "down" | "unauthorized" | "refused" };
